"""Transformations of arrays (height, width[, channel]) and of tensors (channel, height, width)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class Compose:
    """One after the other."""

    def __init__(self, transforms: Any) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    """A tensor (channel, height, width) from 0 to 1."""

    def __call__(self, image: Any) -> Any:
        array = np.asarray(image)
        array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(array)).float() / 255


class Normalize:
    """Less the mean, over the deviation, per channel."""

    def __init__(self, mean: Any, std: Any) -> None:
        self.mean = torch.tensor(list(mean)).view(-1, 1, 1)
        self.std = torch.tensor(list(std)).view(-1, 1, 1)

    def __call__(self, image: Any) -> Any:
        return (image - self.mean) / self.std


class Resize:
    """The nearest pixels, in another size."""

    def __init__(self, size: Any, *_: Any, **__: Any) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)

    def __call__(self, image: Any) -> Any:
        height, width = np.asarray(image).shape[:2]
        rows = np.arange(self.size[0]) * height // self.size[0]
        columns = np.arange(self.size[1]) * width // self.size[1]
        return np.asarray(image)[rows][:, columns]


class Lambda:
    """A function."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, image: Any) -> Any:
        return self.function(image)


class _Same:
    def __init__(self, *_: Any, **__: Any) -> None:
        """Take any settings; the generated images need none."""

    def __call__(self, image: Any) -> Any:
        return image


class CenterCrop(_Same):
    """The image itself."""


class RandomCrop(_Same):
    """The image itself."""


class RandomHorizontalFlip(_Same):
    """The image itself."""


class RandomRotation(_Same):
    """The image itself."""

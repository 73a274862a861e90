"""Data sets of generated images: the class decides the pattern, noise lies on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset


class _Generated(Dataset):
    shape: tuple[int, ...] = (28, 28)
    length = 512

    def __init__(
        self,
        root: Any = None,
        train: bool = True,
        transform: Any = None,
        target_transform: Any = None,
        download: bool = False,
        **_: Any,
    ) -> None:
        del root, download
        rng = np.random.default_rng(0 if train else 1)
        labels = rng.integers(0, 10, self.length)
        waves = np.arange(self.shape[1])[None, :] * (labels[:, None] + 1) / 4
        pattern = (np.sin(waves) * 60 + 90)[:, None, :]
        pattern = pattern[..., None] if len(self.shape) == 3 else pattern
        noise = rng.integers(0, 60, (self.length, *self.shape))
        self.images = (pattern + noise).astype(np.uint8)
        self.data, self.targets = torch.from_numpy(self.images), torch.from_numpy(labels)
        self.classes = [str(n) for n in range(10)]
        self.transform, self.target_transform = transform, target_transform

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = self.images[index], int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def __len__(self) -> int:
        return self.length


class MNIST(_Generated):
    """Images of 28 x 28."""


class FashionMNIST(_Generated):
    """Images of 28 x 28."""


class CIFAR10(_Generated):
    """Images of 32 x 32 x 3."""

    shape = (32, 32, 3)


class CIFAR100(CIFAR10):
    """Images of 32 x 32 x 3."""


class FakeData(Dataset):
    """Noise of the size given, made when it is asked for."""

    def __init__(
        self,
        size: int = 256,
        image_size: Any = (3, 64, 64),
        num_classes: int = 10,
        transform: Any = None,
        **_: Any,
    ) -> None:
        self.size, self.num_classes, self.transform = size, num_classes, transform
        self.shape = (*image_size[1:], image_size[0])

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = np.random.default_rng(index).integers(0, 256, self.shape).astype(np.uint8)
        return self.transform(image) if self.transform else image, index % self.num_classes

    def __len__(self) -> int:
        return self.size


class ImageFolder(CIFAR10):
    """Images of 32 x 32 x 3 in the place of a folder's."""

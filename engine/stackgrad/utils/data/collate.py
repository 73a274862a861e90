"""Items made one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stackgrad.ops.creation import from_numpy, tensor
from stackgrad.ops.joining import stack
from stackgrad.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:  # noqa: PLR0911
    """Return items as one batch: tensors stacked, numbers as tensors, containers by their parts."""
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray):
        return from_numpy(np.stack(batch))
    if isinstance(first, (bool, int, float, np.generic)):
        return tensor(np.asarray(batch)) if not isinstance(first, float) else tensor(list(batch))
    if isinstance(first, Mapping):
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(parts) for parts in zip(*batch, strict=True)))
    if isinstance(first, (tuple, list)):
        return [default_collate(parts) for parts in zip(*batch, strict=True)]
    if isinstance(first, (str, bytes)):
        return list(batch)
    raise TypeError(
        f"default_collate: batch must contain tensors, arrays, numbers, dicts or lists; found {type(first)}"
    )


def default_convert(data: Any) -> Any:
    """Return arrays as tensors, containers by their parts, all else as it is."""
    if isinstance(data, (np.ndarray, np.generic)):
        kind = np.asarray(data).dtype.kind
        return data if kind in "SU" else tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(part) for part in data))
    if isinstance(data, (tuple, list)):
        return [default_convert(part) for part in data]
    return data

"""What every function here asks of its input, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stackgrad.tensor import Tensor


class LinAlgError(RuntimeError):
    """The matrix has not the property that the function needs."""


def check_matrices(name: str, x: Tensor, *, square: bool = False) -> None:
    """Raise RuntimeError unless `x` is a batch of (square) matrices of float32 or float64."""
    shape = x.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    if square and shape[-1] != shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {shape[-2]} by {shape[-1]} matrices"
        )
    if x.array.dtype.kind != "f" or x.array.dtype.itemsize < 4:
        raise RuntimeError(f"linalg.{name}: Expected float32 or float64, got {x.dtype}")


def guarded(name: str, what: str, call: Callable[..., Any], *args: Any) -> Any:
    """Call a function of the array library; LinAlgError with `what` where the matrix is not fit."""
    try:
        return call(*args)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{name}: {what}") from error

"""The way back from maximum pooling: each maximum at its place, zeros elsewhere."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.nn.functional.convolution import sizes
from stackgrad.tensor import Tensor

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def _unpool(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
    count: int,
) -> Tensor:
    kernel = sizes(kernel_size, count)
    step = kernel if stride is None or stride in ((), []) else sizes(stride, count)
    edge = sizes(padding, count)
    lead, old = input.array.shape[:-count], input.array.shape[-count:]
    usual = tuple(
        (n - 1) * s - 2 * p + k for n, s, p, k in zip(old, step, edge, kernel, strict=True)
    )
    new = usual if output_size is None else tuple(output_size)[-count:]
    for wanted, size, s in zip(new, usual, step, strict=True):
        if not size - s < wanted < size + s:
            raise ValueError(
                f"invalid output_size {list(new)} (each must lie within a stride of {list(usual)})"
            )
    flat, places = input.reshape(*lead, -1), indices.reshape(*lead, -1)
    area = math.prod(new)
    if places.array.size and not 0 <= places.array.min() <= places.array.max() < area:
        raise RuntimeError(
            f"Found an invalid max index: {int(places.array.max())} (output volume is {list(new)})"
        )
    return input.new_zeros(*lead, area).scatter(-1, places, flat).reshape(*lead, *new)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Return (N, C, L) with each maximum where it came from."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Return (N, C, H, W) with each maximum where it came from."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Return (N, C, D, H, W) with each maximum where it came from."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 3)

"""Views of arrays by their strides, and what puts their gradients back."""

from __future__ import annotations

from typing import Any


def place(xp: Any, value: Any, shape: tuple[int, ...], key: Any) -> Any:
    """Return zeros of `shape` with `value` at `key`."""
    out = xp.zeros(shape, value.dtype)
    out[key] = value
    return out


def place_diagonal(
    xp: Any, value: Any, shape: tuple[int, ...], offset: int, dim1: int, dim2: int
) -> Any:
    """Return zeros of `shape` with `value` on the diagonal."""
    out = xp.zeros(shape, value.dtype)
    diagonal_of(xp, out, offset, dim1, dim2)[...] = value
    return out


def diagonal_of(xp: Any, x: Any, offset: int, dim1: int, dim2: int) -> Any:
    """Return a diagonal as a view that can be written to, which `numpy.diagonal` is not."""
    key = [slice(None)] * x.ndim
    key[dim1], key[dim2] = slice(max(-offset, 0), None), slice(max(offset, 0), None)
    corner = x[tuple(key)]
    kept = [d for d in range(x.ndim) if d not in (dim1, dim2)]
    length = min(corner.shape[dim1], corner.shape[dim2])
    step = corner.strides[dim1] + corner.strides[dim2]
    shape = (*(x.shape[d] for d in kept), length)
    return xp.lib.stride_tricks.as_strided(
        corner, shape, (*(corner.strides[d] for d in kept), step)
    )


def windows(xp: Any, x: Any, dim: int, size: int, step: int) -> Any:
    """Return the windows of `size` along `dim`, every `step`, as a last dimension."""
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
    return xp.lib.stride_tricks.as_strided(x, shape, strides)


def add_windows(xp: Any, g: Any, shape: tuple[int, ...], dim: int, size: int, step: int) -> Any:
    """Add overlapping windows back into an array of `shape`."""
    out = xp.zeros(shape, g.dtype)
    view = out.swapaxes(0, dim)
    count = g.shape[dim]
    windows_first = g.swapaxes(0, dim)
    for offset in range(size):
        view[offset : offset + count * step : step] += windows_first[..., offset]
    return out

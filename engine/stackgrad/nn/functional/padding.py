"""Padding at the edges, and the sizes of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackgrad.ops.joining import cat
from stackgrad.ops.table import Op, function
from stackgrad.tensor import Tensor

__all__ = ["pad"]

_pad: Op = Op(
    "pad",
    lambda xp, x, *, widths, value: padded(xp, x, widths, value),
    {"x": lambda g, x_shape, widths: crop(g, widths, x_shape)},
)


def padded(xp: Any, x: Any, widths: Sequence[tuple[int, int]], value: float) -> Any:
    """Return `x` with `value` around it; negative widths cut off."""
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    if min(shape, default=0) < 0:
        raise RuntimeError(f"padding {list(widths)} leaves a negative size of {list(x.shape)}")
    out = xp.full(shape, value, x.dtype) if value else xp.zeros(shape, x.dtype)
    inner = tuple(slice(max(a, 0), n - max(b, 0)) for n, (a, b) in zip(shape, widths, strict=True))
    outer = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True)
    )
    out[inner] = x[outer]
    return out


def crop(g: Tensor, widths: Sequence[tuple[int, int]], shape: tuple[int, ...]) -> Tensor:
    """Undo the padding, zeros where it had cut off."""
    del shape
    return _pad(g, widths=tuple((-a, -b) for a, b in widths), value=0.0)


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Pad the last dimensions, the last one first: (left, right, top, bottom, ...)."""
    if len(pad) % 2 or len(pad) // 2 > input.array.ndim:
        raise RuntimeError("Padding length must be even and at most twice the number of dimensions")
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)]
    if mode == "constant":
        widths = ((0, 0),) * (input.array.ndim - len(pairs)) + tuple(pairs[::-1])
        return _pad(
            input,
            widths=widths,
            value=float(value or 0.0) if input.dtype.is_floating_point else value or 0,
        )
    for number, (left, right) in enumerate(pairs):
        input = _pad_by_content(input, input.array.ndim - 1 - number, left, right, mode)
    return input


def _pad_by_content(x: Tensor, dim: int, left: int, right: int, mode: str) -> Tensor:
    size = x.array.shape[dim]
    if mode == "reflect":
        if max(left, right) >= size:
            raise RuntimeError("Padding size should be less than the corresponding input dimension")
        parts = [
            x.narrow(dim, 1, max(left, 0)).flip(dim),
            x,
            x.narrow(dim, size - 1 - max(right, 0), max(right, 0)).flip(dim),
        ]
    elif mode == "replicate":
        shape = list(x.array.shape)
        parts = []
        for start, count in ((0, max(left, 0)), (None, 0), (size - 1, max(right, 0))):
            shape[dim] = count
            parts.append(x if start is None else x.narrow(dim, start, 1).expand(shape))
    elif mode == "circular":
        x = x.narrow(dim, max(-left, 0), size - max(-left, 0) - max(-right, 0))
        left, right, size = max(left, 0), max(right, 0), int(x.array.shape[dim])
        if max(left, right) > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        parts = [
            x.narrow(dim, size - left, left),
            x,
            x.narrow(dim, 0, right),
        ]
    else:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    found = cat([p for p in parts if p.array.shape[dim]], dim)
    return found.narrow(dim, max(-left, 0), found.array.shape[dim] - max(-left, 0) - max(-right, 0))


@function(method=False)
def constant_pad_nd(input: Tensor, pad_: Sequence[int], value: float = 0) -> Tensor:
    """Pad with a number."""
    return pad(input, pad_, "constant", value)

"""Pooling as one pass over the whole input per position of the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.convolution import Geometry, _offsets, at, pad_spatial, windows
from stackgrad.tuning import parallel

Sizes = tuple[int, ...]


def padded_with(xp: ArrayModule, x: Array, widths: list[tuple[int, int]], value: Any) -> Array:
    """Return `x` with `value` around its spatial dimensions."""
    if not any(a or b for a, b in widths):
        return x
    lead = x.ndim - len(widths)
    shape = x.shape[:lead] + tuple(
        n + a + b for n, (a, b) in zip(x.shape[lead:], widths, strict=True)
    )
    out = xp.full(shape, value, x.dtype)
    out[at(*[slice(a, a + n) for n, (a, _) in zip(x.shape[lead:], widths, strict=True)])] = x
    return out


def widths_of(
    size: Sizes, kernel: Sizes, geometry: Geometry, output: Sizes
) -> list[tuple[int, int]]:
    """Return the padding on both sides that `output` windows reach over (more at the end in ceil mode)."""
    return [
        (p, max(p, (o - 1) * s + d * (k - 1) + 1 - n - p))
        for n, k, s, p, d, o in zip(
            size, kernel, geometry.stride, geometry.padding, geometry.dilation, output, strict=True
        )
    ]


def _slices(
    xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry, output: Sizes
) -> Iterator[Array]:
    """Yield for each kernel position the view (N, C, *output) of the elements under it."""
    view = windows(xp, x, kernel, geometry.stride, geometry.dilation, output)
    for offset in _offsets(kernel):
        place = (slice(None), slice(None), *offset)
        yield view[place]


def max_pool(xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry, output: Sizes) -> Array:
    """Return the largest element of every window."""
    if xp is not np and len(kernel) == 2 and x.dtype.kind in "fV":
        from stackgrad.kernels.cuda import gathering

        return gathering.max_pool(xp, x, kernel, geometry, output)[0]
    lowest = -float("inf") if x.dtype.kind in "fV" else xp.iinfo(x.dtype).min
    padded = padded_with(xp, x, widths_of(x.shape[2:], kernel, geometry, output), lowest)
    first, *others = _slices(xp, padded, kernel, geometry, output)
    found = xp.empty(first.shape, x.dtype)

    def work(start: int, stop: int) -> None:
        found[start:stop] = first[start:stop]
        for part in others:
            xp.maximum(found[start:stop], part[start:stop], out=found[start:stop])

    parallel(work, x.shape[0])
    return found


def max_place(xp: ArrayModule, x: Array, y: Array, kernel: Sizes, geometry: Geometry) -> Array:
    """Return which kernel position holds the maximum `y` of every window: the first of equal ones.

    That is the number of positions that were all missed so far, counted in bytes.
    """
    if xp is not np and len(kernel) == 2 and x.dtype.kind in "fV":
        from stackgrad.kernels.cuda import gathering

        return gathering.max_pool(xp, x, kernel, geometry, y.shape[2:])[1]
    output = y.shape[2:]
    padded = padded_with(xp, x, widths_of(x.shape[2:], kernel, geometry, output), -float("inf"))
    parts = list(_slices(xp, padded, kernel, geometry, output))[:-1]
    place = xp.zeros(y.shape, "uint8" if len(parts) < 256 else "int32")

    def work(start: int, stop: int) -> None:
        missed = xp.ones(y[start:stop].shape, bool)
        for part in parts:
            missed &= part[start:stop] != y[start:stop]
            place[start:stop] += missed

    parallel(work, x.shape[0])
    return place


def spread_to_place(
    xp: ArrayModule, g: Array, place: Array, size: Sizes, kernel: Sizes, geometry: Geometry
) -> Array:
    """Return zeros (N, C, *size) with `g` added at the place of each window."""
    if xp is not np and len(kernel) == 2 and g.dtype.kind in "fV":
        from stackgrad.kernels.cuda import gathering

        return gathering.max_pool_slope(xp, g, place, size, kernel, geometry)
    widths = widths_of(size, kernel, geometry, g.shape[2:])
    shape = (*g.shape[:2], *(n + a + b for n, (a, b) in zip(size, widths, strict=True)))
    reach = [d * (k - 1) + 1 for d, k in zip(geometry.dilation, kernel, strict=True)]
    apart = all(s >= r for s, r in zip(geometry.stride, reach, strict=True))
    covered = (
        geometry.stride == kernel
        and apart
        and shape[2:] == tuple(o * k for o, k in zip(g.shape[2:], kernel, strict=True))
    )
    out = (xp.empty if covered else xp.zeros)(shape, g.dtype)
    parts = list(_slices(xp, out, kernel, geometry, g.shape[2:]))

    def work(start: int, stop: int) -> None:
        gradient, chosen = g[start:stop], place[start:stop]
        for number, part in enumerate(parts):
            if apart:
                xp.multiply(gradient, chosen == number, out=part[start:stop])
            else:
                part[start:stop] += gradient * (chosen == number)

    parallel(work, g.shape[0])
    return pad_spatial(xp, out, [(-a, -b) for a, b in widths])


def take_from_place(
    xp: ArrayModule, x: Array, place: Array, kernel: Sizes, geometry: Geometry
) -> Array:
    """Return the element of x at the place of each window."""
    output = place.shape[2:]
    padded = padded_with(xp, x, widths_of(x.shape[2:], kernel, geometry, output), 0)
    out = xp.zeros(place.shape, x.dtype)
    for number, part in enumerate(_slices(xp, padded, kernel, geometry, output)):
        out += part * (place == number)
    return out


def sum_pool(xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry, output: Sizes) -> Array:
    """Return the sum of every window, in at least float32."""
    if xp is not np and len(kernel) == 2 and x.dtype.kind in "fV":
        from stackgrad.kernels.cuda import gathering

        return gathering.sum_pool(xp, x, kernel, geometry, output)
    wide = x.astype("float32") if x.itemsize == 2 else x
    padded = padded_with(xp, wide, widths_of(x.shape[2:], kernel, geometry, output), 0)
    found = None
    for part in _slices(xp, padded, kernel, geometry, output):
        if found is None:
            found = part.copy()
        else:
            found += part
    return found.astype(x.dtype, copy=False) if found is not None else None


def spread_sum(xp: ArrayModule, g: Array, size: Sizes, kernel: Sizes, geometry: Geometry) -> Array:
    """Return zeros (N, C, *size) with `g` added at every element of each window."""
    if xp is not np and len(kernel) == 2 and g.dtype.kind in "fV":
        from stackgrad.kernels.cuda import gathering

        return gathering.sum_pool_slope(xp, g, size, kernel, geometry)
    widths = widths_of(size, kernel, geometry, g.shape[2:])
    out = xp.zeros(
        (*g.shape[:2], *(n + a + b for n, (a, b) in zip(size, widths, strict=True))), g.dtype
    )
    for part in _slices(xp, out, kernel, geometry, g.shape[2:]):
        xp.add(part, g, out=part)
    return pad_spatial(xp, out, [(-a, -b) for a, b in widths])

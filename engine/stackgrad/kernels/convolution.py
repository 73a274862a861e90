"""Convolution in any number of dimensions as matrix products over windows (im2col).

Arrays are (N, C, *spatial), weights (out, C / groups, *kernel). On the CPU one image is unrolled at
a time, so that its columns stay in the cache; a GPU takes the whole batch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from stackgrad.arrays import Array, ArrayModule
from stackgrad.tuning import parallel

Sizes = tuple[int, ...]


class Geometry(NamedTuple):
    """How a kernel moves over its input, per spatial dimension."""

    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int

    def output(self, size: Sizes, kernel: Sizes) -> Sizes:
        """Return the spatial sizes of the output; RuntimeError where the kernel is larger than the input."""
        found = tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                size, kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        if min(found) <= 0:
            padded = [n + 2 * p for n, p in zip(size, self.padding, strict=True)]
            raise RuntimeError(
                f"Calculated padded input size per channel: {padded}. "
                f"Kernel size: {list(kernel)}. Kernel size can't be greater than actual input size"
            )
        return found


def windows(
    xp: ArrayModule, x: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, output: Sizes
) -> Array:
    """Return a view (N, C, *kernel, *output) of every window of a padded input."""
    count = len(kernel)
    steps = x.strides[-count:]
    shape = (*x.shape[:-count], *kernel, *output)
    strides = (
        *x.strides[:-count],
        *(d * s for d, s in zip(dilation, steps, strict=True)),
        *(m * s for m, s in zip(stride, steps, strict=True)),
    )
    return xp.lib.stride_tricks.as_strided(x, shape, strides)


def at(*spatial: slice) -> tuple[Any, ...]:
    """Return the index of a part of the spatial dimensions."""
    return (..., *spatial)


def pad_spatial(xp: ArrayModule, x: Array, widths: list[tuple[int, int]]) -> Array:
    """Return `x` with zeros around its spatial dimensions; negative widths cut off."""
    if not any(a or b for a, b in widths):
        return x
    lead = x.ndim - len(widths)
    shape = x.shape[:lead] + tuple(
        n + a + b for n, (a, b) in zip(x.shape[lead:], widths, strict=True)
    )
    out = xp.zeros(shape, x.dtype)
    inner = tuple(
        slice(max(a, 0), n - max(b, 0)) for n, (a, b) in zip(shape[lead:], widths, strict=True)
    )
    outer = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape[lead:], widths, strict=True)
    )
    out[at(*inner)] = x[at(*outer)]
    return out


def _wide(x: Array) -> Array:
    return x.astype("float32") if x.itemsize == 2 else x


def convolve(xp: ArrayModule, x: Array, w: Array, bias: Array | None, geometry: Geometry) -> Array:
    """Return the cross-correlation (N, out, *output) of x with w, plus `bias` per channel."""
    kind = x.dtype
    x, w = _wide(x), _wide(w)
    kernel, groups = w.shape[2:], geometry.groups
    output = geometry.output(x.shape[2:], kernel)
    padded = pad_spatial(xp, x, [(p, p) for p in geometry.padding])
    view = windows(xp, padded, kernel, geometry.stride, geometry.dilation, output)
    n, positions, rows = x.shape[0], math.prod(output), w.shape[0] // groups
    weight = w.reshape(groups, rows, -1)
    out = xp.empty((n, groups, rows, positions), x.dtype)
    if math.prod(kernel) == 1 and view.flags.c_contiguous:
        xp.matmul(weight, view.reshape(n, groups, -1, positions), out=out)
    else:

        def work(start: int, stop: int) -> None:
            columns = xp.empty((groups, weight.shape[2], positions), x.dtype)
            unrolled = columns.reshape(view.shape[1:])
            for image in range(start, stop):
                unrolled[...] = view[image]
                xp.matmul(weight, columns, out=out[image])

        parallel(work, n)
    found = out.reshape(n, w.shape[0], *output)
    if bias is not None:
        found += bias.reshape(-1, *(1,) * len(kernel))
    return found.astype(kind, copy=False)


def convolve_weight(
    xp: ArrayModule, g: Array, x: Array, kernel: Sizes, geometry: Geometry
) -> Array:
    """Return the gradient (out, C / groups, *kernel) by the weight, `g` being that of the output."""
    kind = x.dtype
    g, x = _wide(g), _wide(x)
    groups, output = geometry.groups, g.shape[2:]
    padded = pad_spatial(xp, x, [(p, p) for p in geometry.padding])
    view = windows(xp, padded, kernel, geometry.stride, geometry.dilation, output)
    n, positions, rows = x.shape[0], math.prod(output), g.shape[1] // groups
    inner = x.shape[1] // groups * math.prod(kernel)
    gradient = xp.ascontiguousarray(g).reshape(n, groups, rows, positions)
    totals: dict[int, Array] = {}

    def work(start: int, stop: int) -> None:
        columns = xp.empty((groups, inner, positions), x.dtype)
        unrolled = columns.reshape(view.shape[1:])
        total = totals[start] = xp.zeros((groups, rows, inner), x.dtype)
        product = xp.empty_like(total)
        for image in range(start, stop):
            unrolled[...] = view[image]
            xp.matmul(gradient[image], columns.swapaxes(1, 2), out=product)
            total += product

    parallel(work, n)
    total = totals.pop(0)
    for _, other in sorted(
        totals.items()
    ):  # in one order, so that the bits do not depend on timing
        total += other
    return total.reshape(g.shape[1], x.shape[1] // groups, *kernel).astype(kind, copy=False)


def convolve_input(xp: ArrayModule, g: Array, w: Array, size: Sizes, geometry: Geometry) -> Array:
    """Return the gradient (N, C, *size) by the input: transposed convolution of `g` with w."""
    if all(s == 1 for s in geometry.stride):
        return _correlate_flipped(xp, g, w, size, geometry)
    return _scatter_columns(xp, g, w, size, geometry)


def _correlate_flipped(
    xp: ArrayModule, g: Array, w: Array, size: Sizes, geometry: Geometry
) -> Array:
    """Return the gradient as a convolution of the padded `g` with the flipped kernel (stride 1)."""
    groups, dims = geometry.groups, tuple(range(3, w.ndim + 1))
    grouped = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    flipped = xp.flip(grouped, dims).swapaxes(1, 2).reshape(-1, w.shape[0] // groups, *w.shape[2:])
    reach = [d * (k - 1) for d, k in zip(geometry.dilation, w.shape[2:], strict=True)]
    widths = [
        (r - p, n - o + p)
        for r, p, n, o in zip(reach, geometry.padding, size, g.shape[2:], strict=True)
    ]
    padded = pad_spatial(xp, g, widths)
    plain = Geometry((1,) * len(size), (0,) * len(size), geometry.dilation, groups)
    return convolve(xp, padded, flipped, None, plain)


def _scatter_columns(xp: ArrayModule, g: Array, w: Array, size: Sizes, geometry: Geometry) -> Array:
    """Return the gradient by adding each kernel position's columns where they came from."""
    kind = g.dtype
    g, w = _wide(g), _wide(w)
    groups, kernel, output = geometry.groups, w.shape[2:], g.shape[2:]
    n, positions, rows = g.shape[0], math.prod(output), w.shape[0] // groups
    weight = w.reshape(groups, rows, -1).swapaxes(1, 2)
    gradient = xp.ascontiguousarray(g).reshape(n, groups, rows, positions)
    reach = tuple(
        max(s + 2 * p, d * (k - 1) + m * (o - 1) + 1)
        for s, p, d, k, m, o in zip(
            size, geometry.padding, geometry.dilation, kernel, geometry.stride, output, strict=True
        )
    )
    padded = xp.zeros((n, w.shape[1] * groups, *reach), g.dtype)
    view = windows(xp, padded, kernel, geometry.stride, geometry.dilation, output)

    def work(start: int, stop: int) -> None:
        for image in range(start, stop):
            columns = xp.matmul(weight, gradient[image]).reshape(view.shape[1:])
            for offset in _offsets(kernel):
                place = (slice(None), *offset)
                view[image][place] += columns[place]

    parallel(work, n)
    inside = tuple(slice(p, p + s) for p, s in zip(geometry.padding, size, strict=True))
    return xp.ascontiguousarray(padded[at(*inside)]).astype(kind, copy=False)


def im2col(xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry) -> Array:
    """Return the windows of x as columns (N, C * kernel, positions)."""
    output = geometry.output(x.shape[2:], kernel)
    padded = pad_spatial(xp, x, [(p, p) for p in geometry.padding])
    view = windows(xp, padded, kernel, geometry.stride, geometry.dilation, output)
    return view.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(output))


def col2im(
    xp: ArrayModule, columns: Array, size: Sizes, kernel: Sizes, geometry: Geometry
) -> Array:
    """Add columns (N, C * kernel, positions) back into (N, C, *size)."""
    output = geometry.output(size, kernel)
    n, channels = columns.shape[0], columns.shape[1] // math.prod(kernel)
    padded = xp.zeros(
        (n, channels, *(s + 2 * p for s, p in zip(size, geometry.padding, strict=True))),
        columns.dtype,
    )
    view = windows(xp, padded, kernel, geometry.stride, geometry.dilation, output)
    parts = columns.reshape(view.shape)
    for offset in _offsets(kernel):
        place = (slice(None), slice(None), *offset)
        view[place] += parts[place]
    inside = [slice(p, p + s) for p, s in zip(geometry.padding, size, strict=True)]
    return padded[at(*inside)].copy()


def _offsets(kernel: Sizes) -> list[Sizes]:
    found: list[Sizes] = [()]
    for size in kernel:
        found = [(*offset, k) for offset in found for k in range(size)]
    return found

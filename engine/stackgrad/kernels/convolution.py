"""Convolution in any number of dimensions as matrix products over windows (im2col).

Arrays are (N, C, *spatial), weights (out, C / groups, *kernel). On the CPU one image is unrolled at
a time, so that its columns stay in the cache; a GPU takes the whole batch.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.products import product
from stackgrad.libraries import convolutions
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


def at(*spatial: slice | int) -> tuple[Any, ...]:
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


class _Columns:
    """The windows of a few images at a time as columns, padded and unrolled in the same memory."""

    def __init__(
        self, xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry, output: Sizes
    ) -> None:
        self.x = source = x
        self.images = 1 if xp is np else max(x.shape[0], 1)  # a GPU takes them all at once
        self.padded, padding = None, geometry.padding
        if any(padding):
            sizes = list(zip(x.shape[2:], padding, strict=True))
            whole = (self.images, x.shape[1], *(n + 2 * p for n, p in sizes))
            source = self.padded = xp.zeros(whole, x.dtype)
            self.inside = at(*[slice(p, p + n) for n, p in sizes])
        self.view = windows(xp, source, kernel, geometry.stride, geometry.dilation, output)
        rows = x.shape[1] // geometry.groups * math.prod(kernel)
        shape = (self.images, geometry.groups, rows, math.prod(output))
        self.columns = xp.empty(shape, x.dtype)
        self.unrolled = self.columns.reshape(self.images, *self.view.shape[1:])

    def of(self, start: int, stop: int) -> Array:
        """Return the columns (images, groups, C / groups * kernel, positions); the next call overwrites them."""
        count = stop - start
        if self.padded is None:
            self.unrolled[:count] = self.view[start:stop]
        else:
            self.padded[:count][self.inside] = self.x[start:stop]
            self.unrolled[:count] = self.view[:count]
        return self.columns[:count]


def _by_image(
    n: int, make: Callable[[], _Columns], work: Callable[[int, int, int, Array], None]
) -> None:
    """Call `work(first of this thread, start, stop, columns)` over all images, shared among the threads."""

    def share(first: int, last: int) -> None:
        columns = make()
        for start in range(first, last, columns.images):
            stop = min(start + columns.images, last)
            work(first, start, stop, columns.of(start, stop))

    parallel(share, n)


def convolve(xp: ArrayModule, x: Array, w: Array, bias: Array | None, geometry: Geometry) -> Array:
    """Return the cross-correlation (N, out, *output) of x with w, plus `bias` per channel."""
    kind = x.dtype
    kernel, groups, n = w.shape[2:], geometry.groups, x.shape[0]
    output = geometry.output(x.shape[2:], kernel)
    if xp is not np and xp.convolutions is not None and xp.convolutions.takes(kind, geometry):
        y = xp.convolutions.forward(x, w, output, geometry)
        if y is not None:
            return y if bias is None else y + bias.reshape(-1, *[1] * len(kernel))
    x, w = _wide(x), _wide(w)
    if xp is np and convolutions.suits(x, w):
        images, weights = np.ascontiguousarray(x), np.ascontiguousarray(w)
        found = np.empty((n, w.shape[0], *output), x.dtype)
        shifts = None if bias is None else np.ascontiguousarray(_wide(bias))
        parallel(
            lambda a, b: convolutions.forward(images[a:b], weights, shifts, geometry, found[a:b]), n
        )
        return found.astype(kind, copy=False)
    weight = w.reshape(groups, w.shape[0] // groups, -1)
    shift = None if bias is None else _wide(bias).reshape(groups, -1, 1)
    out = xp.empty((n, *weight.shape[:2], math.prod(output)), x.dtype)

    def work(first: int, start: int, stop: int, columns: Array) -> None:  # noqa: ARG001
        part = product(xp, weight, columns, out[start:stop])
        if shift is not None:
            part += shift

    _by_image(n, lambda: _Columns(xp, x, kernel, geometry, output), work)
    return out.reshape(n, w.shape[0], *output).astype(kind, copy=False)


def convolve_weight(
    xp: ArrayModule, g: Array, x: Array, kernel: Sizes, geometry: Geometry
) -> Array:
    """Return the gradient (out, C / groups, *kernel) by the weight, `g` being that of the output."""
    kind = x.dtype
    if xp is not np and xp.convolutions is not None and xp.convolutions.takes(kind, geometry):
        slope = xp.convolutions.by_weight(g, x, kernel, geometry)
        if slope is not None:
            return slope
    g, x = _wide(g), _wide(x)
    groups, output, n = geometry.groups, g.shape[2:], x.shape[0]
    if xp is np and convolutions.suits(x, g) and geometry.output(x.shape[2:], kernel) == output:
        shape = (g.shape[1], x.shape[1] // groups, *kernel)
        slopes, images = np.ascontiguousarray(g), np.ascontiguousarray(x)
        found: dict[int, Array] = {}

        def add(start: int, stop: int) -> None:
            part = found[start] = np.empty(shape, x.dtype)
            convolutions.by_weight(slopes[start:stop], images[start:stop], geometry, part)

        parallel(add, n)
        return functools.reduce(np.add, [found[k] for k in sorted(found)]).astype(kind, copy=False)
    rows, inner = g.shape[1] // groups, x.shape[1] // groups * math.prod(kernel)
    gradient = xp.ascontiguousarray(g).reshape(n, groups, rows, math.prod(output))
    totals: dict[int, Array] = {}

    def work(first: int, start: int, stop: int, columns: Array) -> None:
        each = product(xp, gradient[start:stop], columns.swapaxes(2, 3))
        part = each[0] if stop - start == 1 else each.sum(0)
        totals[first] = (
            part if first not in totals else xp.add(totals[first], part, out=totals[first])
        )

    _by_image(n, lambda: _Columns(xp, x, kernel, geometry, output), work)
    total = xp.zeros((groups, rows, inner), x.dtype)
    for _, part in sorted(totals.items()):  # in one order: the bits do not depend on timing
        total += part
    return total.reshape(g.shape[1], x.shape[1] // groups, *kernel).astype(kind, copy=False)


def channel_sum(xp: ArrayModule, h: Array) -> Array:
    """Return the sum of (N, C, ...) over all but C, as products with ones, which BLAS is quick at."""
    kind = h.dtype
    flat = xp.ascontiguousarray(_wide(h)).reshape(*h.shape[:2], math.prod(h.shape[2:]))
    return (flat @ xp.ones(flat.shape[2], flat.dtype)).sum(0).astype(kind, copy=False)


def convolve_input(xp: ArrayModule, g: Array, w: Array, size: Sizes, geometry: Geometry) -> Array:
    """Return the gradient (N, C, *size) by the input: transposed convolution of `g` with w.

    Each position of the kernel adds its columns where they came from.
    """
    kind = g.dtype
    groups, kernel, output, n = geometry.groups, w.shape[2:], g.shape[2:], g.shape[0]
    if (
        xp is not np
        and xp.convolutions is not None
        and xp.convolutions.takes(kind, geometry)
        and geometry.output(size, kernel) == output
    ):
        slope = xp.convolutions.by_input(g, w, size, geometry)
        if slope is not None:
            return slope
    g, w = _wide(g), _wide(w)
    if xp is np and convolutions.suits(g, w) and geometry.output(size, kernel) == output:
        slopes, weights = np.ascontiguousarray(g), np.ascontiguousarray(w)
        found = np.empty((n, w.shape[1] * groups, *size), g.dtype)
        parallel(lambda a, b: convolutions.by_input(slopes[a:b], weights, geometry, found[a:b]), n)
        return found.astype(kind, copy=False)
    weight = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    gradient = xp.ascontiguousarray(g).reshape(n, groups, -1, math.prod(output))
    reach = tuple(
        max(s + 2 * p, d * (k - 1) + m * (o - 1) + 1)
        for s, p, d, k, m, o in zip(
            size, geometry.padding, geometry.dilation, kernel, geometry.stride, output, strict=True
        )
    )
    padded = xp.zeros((n, w.shape[1] * groups, *reach), g.dtype)
    view = windows(xp, padded, kernel, geometry.stride, geometry.dilation, output)
    images = 1 if xp is np else max(n, 1)

    def work(first: int, last: int) -> None:
        columns = xp.empty((images, groups, weight.shape[1], gradient.shape[3]), g.dtype)
        parts = columns.reshape(images, *view.shape[1:])
        for start in range(first, last, images):
            stop = min(start + images, last)
            product(xp, weight, gradient[start:stop], columns[: stop - start])
            target, source = view[start:stop], parts[: stop - start]
            for offset in _offsets(kernel):
                place = (slice(None), slice(None), *offset)
                xp.add(target[place], source[place], out=target[place])

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

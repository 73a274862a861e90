"""Gathering kernels on arrays: embedding gradients, pooling and unrolled convolution in two dimensions, batch norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.convolution import Geometry
from stackgrad.kernels.cuda.launch import each, launch, packed, threads_for
from stackgrad.kernels.cuda.source import accumulator

Sizes = tuple[int, ...]


def embedding_slope(
    xp: ArrayModule, g: Array, indices: Array, rows: int, padding: int | None = None
) -> Array:
    """Return (rows, width): the sums of the rows of `g` (n, width) that belong to each index."""
    flat = packed(xp, indices.reshape(-1).astype("int64", copy=False))
    gradient = packed(xp, g).reshape(flat.size, -1)
    order = xp.argsort(flat, kind="stable") if xp.__class__ is not type(np) else xp.argsort(flat)
    order = packed(xp, order.astype("int64", copy=False))
    width = gradient.shape[1]
    out = xp.zeros((rows, width), g.dtype)
    skipped = -1 if padding is None else padding
    values = (gradient, order, flat[order], out, flat.size, width, skipped)
    launch(xp, "embedding_backward", g.dtype, flat.size, values, threads=threads_for(width))
    return out


def window(size: Sizes, output: Sizes, kernel: Sizes, geometry: Geometry) -> Any:
    """Return the numbers of the sources' `Window`."""
    parts = (size, output, kernel, geometry.stride, geometry.padding, geometry.dilation)
    return np.array([value for pair in parts for value in pair], np.int64)


def max_pool(
    xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry, output: Sizes
) -> tuple[Array, Array]:
    """Return the largest element of every window of (N, C, H, W), and its place in the window."""
    whole = packed(xp, x)
    y = xp.empty((*x.shape[:2], *output), x.dtype)
    place = xp.empty(y.shape, "int32")
    values = (whole, y, place, y.size, window(x.shape[2:], output, kernel, geometry))
    each(xp, "max_pool_forward", x.dtype, y.size, values)
    return y, place


def max_pool_slope(
    xp: ArrayModule, g: Array, place: Array, size: Sizes, kernel: Sizes, geometry: Geometry
) -> Array:
    """Return (N, C, *size) with `g` added at the place of each window."""
    gradient = packed(xp, g)
    dx = xp.empty((*g.shape[:2], *size), g.dtype)
    where = packed(xp, place.astype("int32", copy=False))
    values = (gradient, where, dx, dx.size, window(size, g.shape[2:], kernel, geometry))
    each(xp, "max_pool_backward", g.dtype, dx.size, values)
    return dx


def sum_pool(xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry, output: Sizes) -> Array:
    """Return the sum of every window of (N, C, H, W)."""
    y = xp.empty((*x.shape[:2], *output), x.dtype)
    values = (packed(xp, x), y, y.size, window(x.shape[2:], output, kernel, geometry))
    each(xp, "sum_pool_forward", x.dtype, y.size, values)
    return y


def sum_pool_slope(
    xp: ArrayModule, g: Array, size: Sizes, kernel: Sizes, geometry: Geometry
) -> Array:
    """Return (N, C, *size) with `g` added at every element of each window."""
    dx = xp.empty((*g.shape[:2], *size), g.dtype)
    values = (packed(xp, g), dx, dx.size, window(size, g.shape[2:], kernel, geometry))
    each(xp, "sum_pool_backward", g.dtype, dx.size, values)
    return dx


def im2col(xp: ArrayModule, x: Array, kernel: Sizes, geometry: Geometry) -> Array:
    """Return the windows of (N, C, H, W) as columns (N, C * kernel, positions)."""
    output = geometry.output(x.shape[2:], kernel)
    columns = xp.empty(
        (x.shape[0], x.shape[1] * kernel[0] * kernel[1], output[0] * output[1]), x.dtype
    )
    values = (packed(xp, x), columns, columns.size, window(x.shape[2:], output, kernel, geometry))
    each(xp, "im2col", x.dtype, columns.size, values)
    return columns


def col2im(
    xp: ArrayModule, columns: Array, size: Sizes, kernel: Sizes, geometry: Geometry
) -> Array:
    """Add columns (N, C * kernel, positions) back into (N, C, *size)."""
    output = geometry.output(size, kernel)
    channels = columns.shape[1] // (kernel[0] * kernel[1])
    x = xp.empty((columns.shape[0], channels, *size), columns.dtype)
    values = (packed(xp, columns), x, x.size, window(size, output, kernel, geometry))
    each(xp, "col2im", columns.dtype, x.size, values)
    return x


class BatchNorm:
    """(x - mean) / sqrt(variance + eps) * weight + bias per channel of (N, C, ...), over the batch."""

    takes_half = True

    @staticmethod
    def statistics(xp: ArrayModule, x: Array) -> tuple[Array, Array]:
        """Return mean and variance (divided by the count) of each channel."""
        sums, channels = accumulator(x.dtype), x.shape[1]
        mean, variance = xp.empty(channels, sums), xp.empty(channels, sums)
        sizes = (x.shape[0], channels, _spatial(x))
        launch(xp, "batch_statistics", x.dtype, channels, (packed(xp, x), mean, variance, *sizes))
        return mean, variance

    @staticmethod
    def forward(
        xp: ArrayModule,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        keep: bool,
        eps: float,
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the output, and the statistics."""
        mean, variance = BatchNorm.statistics(xp, x)
        whole = packed(xp, x)
        y = xp.empty_like(whole)
        values = (whole, weight, bias, mean, variance, y, x.size, x.shape[1], _spatial(x), eps)
        each(xp, "batch_norm_forward", x.dtype, x.size, values)
        return (y,), (whole, mean, variance) if keep else None

    @staticmethod
    def backward(
        xp: ArrayModule, residue: Any, gradients: Any, arrays: Any, needs: Any, *, eps: float
    ) -> list[Array | None]:
        """Return the gradients of x, weight and bias."""
        x, mean, variance = residue
        out = [
            xp.empty(a.shape, x.dtype) if need else None
            for a, need in zip(arrays, needs, strict=True)
        ]
        sizes = (x.shape[0], x.shape[1], _spatial(x))
        given = (x, arrays[1], packed(xp, gradients[0]), mean, variance)
        launch(xp, "batch_norm_backward", x.dtype, x.shape[1], (*given, *out, *sizes, eps))
        return out


def _spatial(x: Array) -> int:
    return int(np.prod(x.shape[2:], dtype=np.int64))

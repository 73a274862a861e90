"""Maximum, average and adaptive pooling in one to three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from stackgrad.grad_mode import literal
from stackgrad.kernels import pooling as kernels
from stackgrad.kernels.convolution import Geometry, at
from stackgrad.nn.functional.convolution import sizes
from stackgrad.ops.joining import cat
from stackgrad.ops.table import Op, publish
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

_max_pool: Op = Op(
    "max_pool",
    lambda xp, x, *, kernel, geometry, output: kernels.max_pool(xp, x, kernel, geometry, output),
    {
        "x": lambda g, x, x_shape, y, kernel, geometry: _spread(
            g,
            _place(x.detach(), y.detach(), kernel=kernel, geometry=geometry),
            size=x_shape[2:],
            kernel=kernel,
            geometry=geometry,
        )
    },
)
_place: Op = Op(
    "max_pool_place",
    lambda xp, x, largest, *, kernel, geometry: kernels.max_place(xp, x, largest, kernel, geometry),
    {},
)
_spread: Op = Op(
    "max_pool_backward",
    lambda xp, h, place, *, size, kernel, geometry: kernels.spread_to_place(
        xp, h, place, size, kernel, geometry
    ),
    {"h": lambda g, place, kernel, geometry: _take(g, place, kernel=kernel, geometry=geometry)},
)
_take: Op = Op(
    "max_pool_take",
    lambda xp, x, place, *, kernel, geometry: kernels.take_from_place(
        xp, x, place, kernel, geometry
    ),
    {
        "x": lambda g, x_shape, place, kernel, geometry: _spread(
            g, place, size=x_shape[2:], kernel=kernel, geometry=geometry
        )
    },
)
_sum_pool: Op = Op(
    "sum_pool",
    lambda xp, x, *, kernel, geometry, output: kernels.sum_pool(xp, x, kernel, geometry, output),
    {
        "x": lambda g, x_shape, kernel, geometry: _sum_spread(
            g, size=x_shape[2:], kernel=kernel, geometry=geometry
        )
    },
)
_sum_spread: Op = Op(
    "sum_pool_backward",
    lambda xp, h, *, size, kernel, geometry: kernels.spread_sum(xp, h, size, kernel, geometry),
    {
        "h": lambda g, h_shape, kernel, geometry: _sum_pool(
            g, kernel=kernel, geometry=geometry, output=h_shape[2:]
        )
    },
)


def _output(
    size: tuple[int, ...], kernel: tuple[int, ...], geometry: Geometry, ceil_mode: bool
) -> tuple[int, ...]:
    found = []
    for n, k, s, p, d in zip(
        size, kernel, geometry.stride, geometry.padding, geometry.dilation, strict=True
    ):
        room = n + 2 * p - d * (k - 1) - 1
        count = -(-room // s) + 1 if ceil_mode else room // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        if count < 1:
            raise RuntimeError(
                f"pooling: output size is too small for input {list(size)} and kernel {list(kernel)}"
            )
        found.append(count)
    return tuple(found)


def _geometry(kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any) -> Geometry:
    count = len(kernel)
    steps = kernel if stride is None or stride in ((), []) else sizes(stride, count)
    edges = sizes(padding, count)
    if any(2 * p > k for p, k in zip(edges, kernel, strict=True)):
        raise RuntimeError("pad should be at most half of effective kernel size")
    return Geometry(steps, edges, sizes(dilation, count), 1)


def _make_max(count: int) -> Callable[..., Any]:
    def max_pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        """Return the largest element of every window of (N, C, ...), and on request its flat index."""
        if input.array.ndim == count + 1:
            found = max_pool(
                input.unsqueeze(0),
                kernel_size,
                stride,
                padding,
                dilation,
                ceil_mode,
                return_indices,
            )
            return tuple(f.squeeze(0) for f in found) if return_indices else found.squeeze(0)
        kernel = sizes(kernel_size, count)
        geometry = _geometry(kernel, stride, padding, dilation)
        output = _output(input.array.shape[2:], kernel, geometry, ceil_mode)
        result = _max_pool(input, kernel=kernel, geometry=geometry, output=output)
        if not return_indices:
            return result
        place = _place(input.detach(), result.detach(), kernel=kernel, geometry=geometry)
        return result, _flat_index(place, input.array.shape[2:], kernel, geometry)

    return publish(f"max_pool{count}d", max_pool, method=False)


def _flat_index(
    place: Tensor, size: tuple[int, ...], kernel: tuple[int, ...], geometry: Geometry
) -> Tensor:
    """Return the index into the flattened spatial dimensions of each window's place."""
    xp, rest, flat, scale = place.device.xp, place.array.astype("int64"), 0, 1
    for d in range(len(size) - 1, -1, -1):
        rest, position = rest // kernel[d], rest % kernel[d]
        start = xp.arange(place.array.shape[2 + d]) * geometry.stride[d] - geometry.padding[d]
        start = literal(start.reshape((-1,) + (1,) * (len(size) - 1 - d)))
        flat = flat + (start + position * geometry.dilation[d]) * scale
        scale *= size[d]
    return wrap(flat, place.device)


def _make_avg(count: int) -> Callable[..., Tensor]:
    def avg_pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        """Return the mean of every window of (N, C, ...)."""
        if input.array.ndim == count + 1:
            return avg_pool(
                input.unsqueeze(0),
                kernel_size,
                stride,
                padding,
                ceil_mode,
                count_include_pad,
                divisor_override,
            ).squeeze(0)
        kernel = sizes(kernel_size, count)
        geometry = _geometry(kernel, stride, padding, 1)
        size = input.array.shape[2:]
        output = _output(size, kernel, geometry, ceil_mode)
        total = _sum_pool(input, kernel=kernel, geometry=geometry, output=output)
        if divisor_override is not None:
            return total / divisor_override
        divisor: Tensor | int = _divisor(input, size, kernel, geometry, output, count_include_pad)
        return total / divisor

    return publish(f"avg_pool{count}d", avg_pool, method=False)


def _divisor(
    input: Tensor,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    geometry: Geometry,
    output: tuple[int, ...],
    with_padding: bool,
) -> Any:
    """Return how many elements each window counts: a number where all count the same."""
    lengths = []
    for n, k, s, p, o in zip(size, kernel, geometry.stride, geometry.padding, output, strict=True):
        starts = [i * s - p for i in range(o)]
        ends = [min(a + k, n + p) for a in starts]
        lengths.append(
            [
                b - a if with_padding else min(b, n) - max(a, 0)
                for a, b in zip(starts, ends, strict=True)
            ]
        )
    if all(len(set(line)) == 1 for line in lengths):
        product = 1
        for line in lengths:
            product *= line[0]
        return product
    xp = input.device.xp
    counts = xp.ones((), input.array.dtype)
    for d, line in enumerate(lengths):
        counts = counts * xp.asarray(line).reshape((-1,) + (1,) * (len(lengths) - 1 - d))
    return wrap(literal(counts.astype(input.array.dtype)), input.device)


max_pool1d, max_pool2d, max_pool3d = (_make_max(count) for count in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_make_avg(count) for count in (1, 2, 3))


def _adaptive(input: Tensor, output_size: Any, count: int) -> Tensor:
    """Average window i of n, from floor(i * size / n) to ceil((i + 1) * size / n), in each dimension."""
    ndim = input.array.ndim
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * count
    for d, wanted in enumerate(given):
        dim = ndim - count + d
        size = input.array.shape[dim]
        n = size if wanted is None else int(wanted)
        if n == size:
            continue
        if n and size % n == 0:
            input = input.unflatten(dim, (n, size // n)).mean(dim + 1)
            continue
        bounds = [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
        means = [input.narrow(dim, a, b - a).mean(dim, keepdim=True) for a, b in bounds]
        input = cat(means, dim) if means else input.narrow(dim, 0, 0)
    return input


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of `output_size` windows over the last dimension."""
    return _adaptive(input, output_size, 1)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of `output_size` windows over the last two dimensions."""
    return _adaptive(input, output_size, 2)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of `output_size` windows over the last three dimensions."""
    return _adaptive(input, output_size, 3)


def _adaptive_max(input: Tensor, output_size: Any, count: int, return_indices: bool) -> Any:
    """Return the maxima of adaptive windows, and on request their flat indices; of equal ones the first."""
    ndim = input.array.ndim
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * count
    size = input.array.shape[ndim - count :]
    counts = [n if wanted is None else int(wanted) for n, wanted in zip(size, given, strict=True)]
    xp, lead = input.device.xp, input.array.shape[: ndim - count]
    places = xp.zeros((*lead, *counts), "int64")
    flat = xp.arange(math.prod(size)).reshape(size)
    for bin_ in np.ndindex(*counts):
        part = at(
            *[
                slice(i * s // n, -(-(i + 1) * s // n))
                for i, s, n in zip(bin_, size, counts, strict=True)
            ]
        )
        window = input.array[part].reshape(*lead, -1)
        places[at(*bin_)] = flat[part].reshape(-1)[xp.argmax(window, -1)]
    index = wrap(places, input.device)
    values = input.flatten(ndim - count).gather(-1, index.flatten(ndim - count))
    result = values.reshape(places.shape)
    return (result, index) if return_indices else result


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the maxima of `output_size` windows over the last dimension."""
    return _adaptive_max(input, output_size, 1, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the maxima of `output_size` windows over the last two dimensions."""
    return _adaptive_max(input, output_size, 2, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the maxima of `output_size` windows over the last three dimensions."""
    return _adaptive_max(input, output_size, 3, return_indices)


def _lp(
    pool: Callable[..., Tensor],
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Tensor:
    total = pool(input.pow(norm_type), kernel_size, stride, 0, ceil_mode, divisor_override=1)
    return (total.sign() * total.abs().relu()).pow(1 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-norm of every window."""
    return _lp(avg_pool1d, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-norm of every window."""
    return _lp(avg_pool2d, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-norm of every window."""
    return _lp(avg_pool3d, input, norm_type, kernel_size, stride, ceil_mode)

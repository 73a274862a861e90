"""Variance, norms and counts."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.ops.elementwise import where
from stackgrad.ops.reduction import Dims, dims_of, spread, wide
from stackgrad.ops.table import Op, function
from stackgrad.tensor import Tensor


@function()
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: Any = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Return the variance over `dim`; the divisor is the count less `correction` (1)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    dims = dims_of(dim, input.array.ndim)
    count = math.prod(input.array.shape[d] for d in dims)
    centred = input - input.mean(dims, keepdim=True)
    divisor = max(count - correction, 0)
    return square_sum(centred, dims, keepdim) / (divisor or 0.0)


def square_sum(x: Tensor, dims: Dims, keepdim: bool) -> Tensor:
    """Return the sum of squares over `dims`."""
    return (x * x).sum(dims, keepdim)


@function()
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: Any = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Return the standard deviation over `dim`."""
    return var(input, dim, unbiased, keepdim, correction=correction).sqrt()


@function(method=False)
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: Any = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return variance and mean over `dim`."""
    return var(input, dim, unbiased, keepdim, correction=correction), input.mean(
        None if isinstance(dim, bool) else dim, keepdim
    )


@function(method=False)
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: Any = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return standard deviation and mean over `dim`."""
    return std(input, dim, unbiased, keepdim, correction=correction), input.mean(
        None if isinstance(dim, bool) else dim, keepdim
    )


@function()
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum with NaN taken as zero."""
    return where(input.isnan(), 0, input).sum(dim, keepdim, dtype=dtype)


@function()
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """Return how many elements are not zero."""
    return (input != 0).sum(dim)


@function()
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Return the p-norm of the elements over `dim`; "fro" is 2."""
    x = input if dtype is None else input.to(dtype)
    dims = dims_of(dim, x.array.ndim)
    order = 2.0 if p in ("fro", None) else float(p)
    if order == 2:
        return _norm2(x, dim=dims, keepdim=keepdim)
    size = x.abs()
    if order == math.inf:
        return size.amax(dims, keepdim)
    if order == -math.inf:
        return size.amin(dims, keepdim)
    if order == 0:
        return (x * 0 + (x != 0).to(x.dtype)).sum(dims, keepdim)
    if order == 1:
        return size.sum(dims, keepdim)
    return size.pow(order).sum(dims, keepdim).pow(1 / order)


def norm_slope(g: Tensor, x: Tensor, y: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Return g * x / y, zero where the norm is."""
    shape = x.array.shape
    return x * spread(where(y == 0, 0.0, g / where(y == 0, 1.0, y)), shape, dim, keepdim)


_norm2: Op = Op(
    "norm",
    lambda xp, x, *, dim, keepdim: xp.sqrt(
        xp.sum(x * x, axis=dim, keepdims=keepdim, dtype=wide(x.dtype))
    ).astype(x.dtype),
    {"x": norm_slope},
)

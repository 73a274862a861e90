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
    if p == "nuc":
        from stackgrad.linalg import matrix_norm

        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)
    dims = dims_of(dim, x.array.ndim)
    order = 2.0 if p in ("fro", None) else float(p)
    if order == 2:
        return _norm2(x, dim=dims, keepdim=keepdim)
    size = x.abs()
    if math.isinf(order):
        return (size.amax if order > 0 else size.amin)(dims, keepdim)
    if order == 0:
        return (x * 0 + (x != 0).to(x.dtype)).sum(dims, keepdim)
    if order == 1:
        return size.sum(dims, keepdim)
    return _norm_p(x, dim=dims, keepdim=keepdim, p=order)


def norm_p_slope(g: Tensor, x: Tensor, y: Tensor, dim: Dims, keepdim: bool, p: float) -> Tensor:
    """Return g * sign(x) * (|x| / y) ** (p - 1), zero where the norm or, for p below 1, the element is."""
    shape = x.array.shape
    whole, up = spread(y, shape, dim, keepdim), spread(g, shape, dim, keepdim)
    zero = (whole == 0) | (x == 0)
    share = where(zero, 1.0, x.abs()) / where(zero, 1.0, whole)
    return where(zero, 0.0, up * x.sign() * share.pow(p - 1))


_norm_p: Op = Op(
    "norm_p",
    lambda xp, x, *, dim, keepdim, p: xp.power(
        xp.sum(xp.power(xp.abs(x), p), axis=dim, keepdims=keepdim, dtype=wide(x.dtype)), 1 / p
    ).astype(x.dtype),
    {"x": norm_p_slope},
)


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

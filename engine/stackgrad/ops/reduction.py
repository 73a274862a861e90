"""Sums, means, extremes and cumulative forms along dimensions."""

from __future__ import annotations

import math
from typing import Any

from stackgrad import dtypes
from stackgrad.ops.elementwise import where
from stackgrad.ops.views import dim_of
from stackgrad.ops.table import Op, function
from stackgrad.tensor import Tensor

Dims = tuple[int, ...]


def dims_of(dim: Any, ndim: int) -> Dims:
    """Return the dimensions named by `dim`: all for None or (), counted from the front."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    if isinstance(dim, int):
        return (dim_of(dim, ndim),) if ndim else ()
    found = tuple(dim_of(d, ndim) for d in dim) if ndim else ()
    if len(set(found)) != len(found):
        raise RuntimeError("dim appears multiple times in the list of dims")
    return found


def wide(kind: Any) -> Any:
    """Return the dtype in which to add up `kind`: float32 for the 16-bit floats."""
    return "float32" if kind.itemsize == 2 and kind.kind in "fV" else kind


def spread(g: Tensor, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Tensor:
    """Return what was reduced over `dim` as a view in the shape that it had before."""
    if not keepdim:
        g = g.reshape(tuple(1 if d in dim else s for d, s in enumerate(shape)))
    return g.expand(shape)


def sum_array(xp: Any, x: Any, dim: Dims, keepdim: bool, kind: Any) -> Any:
    """Return the sum in `kind`, added up in at least float32."""
    if (
        dim == tuple(range(x.ndim))
        and x.dtype == kind
        and x.dtype.kind == "f"
        and x.itemsize > 2
        and not keepdim
    ):
        return xp.add.reduce(x, None) if x.ndim != 1 else xp.add.reduce(x)
    if dim == (0,) and x.ndim == 2 and x.dtype == kind and x.dtype.kind == "f" and x.itemsize > 2:
        total = xp.matmul(xp.ones(x.shape[0], kind), x)  # BLAS adds rows three times as quickly
        return total[None] if keepdim else total
    total = xp.sum(x, axis=dim, keepdims=keepdim, dtype=wide(kind))
    return total.astype(kind)


def mean_array(xp: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    """Return the mean, added up in at least float32; NaN of nothing."""
    count = math.prod(x.shape[d] for d in dim)
    total = xp.asarray(xp.sum(x, axis=dim, keepdims=keepdim, dtype=wide(x.dtype)))
    return (total / total.dtype.type(count)).astype(x.dtype)


_sum = Op(
    "sum",
    lambda xp, x, *, dim, keepdim, kind: sum_array(xp, x, dim, keepdim, kind),
    {"x": lambda g, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim)},
)
_mean = Op(
    "mean",
    lambda xp, x, *, dim, keepdim: mean_array(xp, x, dim, keepdim),
    {
        "x": lambda g, x_shape, dim, keepdim: spread(
            g / math.prod(x_shape[d] for d in dim), x_shape, dim, keepdim
        )
    },
)
_amax = Op(
    "amax",
    lambda xp, x, *, dim, keepdim: xp.max(x, axis=dim, keepdims=keepdim),
    {"x": lambda g, x, y, dim, keepdim: to_extremes(g, x, y, dim, keepdim)},
)
_amin = Op(
    "amin",
    lambda xp, x, *, dim, keepdim: xp.min(x, axis=dim, keepdims=keepdim),
    {"x": lambda g, x, y, dim, keepdim: to_extremes(g, x, y, dim, keepdim)},
)
_prod = Op(
    "prod",
    lambda xp, x, *, dim, keepdim, kind: xp.prod(x, axis=dim, keepdims=keepdim, dtype=kind),
    {"x": lambda g, x, y, dim, keepdim: prod_slope(g, x, y, dim, keepdim)},
)
_cumsum = Op(
    "cumsum",
    lambda xp, x, *, dim, kind: xp.cumsum(x, axis=dim, dtype=wide(kind)).astype(kind),
    {"x": lambda g, dim: g.flip(dim).cumsum(dim).flip(dim)},
)
_cumprod = Op(
    "cumprod",
    lambda xp, x, *, dim, kind: xp.cumprod(x, axis=dim, dtype=kind),
    {"x": lambda g, x, y, dim: cumprod_slope(g, x, y, dim)},
)
_logsumexp = Op(
    "logsumexp",
    lambda xp, x, *, dim, keepdim: logsumexp_array(xp, x, dim, keepdim),
    {
        "x": lambda g, x, x_shape, y, dim, keepdim: (
            spread(g, x_shape, dim, keepdim) * (x - spread(y, x_shape, dim, keepdim)).exp()
        )
    },
)
_any = Op("any", lambda xp, x, *, dim, keepdim: xp.any(x, axis=dim, keepdims=keepdim), {})
_all = Op("all", lambda xp, x, *, dim, keepdim: xp.all(x, axis=dim, keepdims=keepdim), {})


_logcumsumexp = Op(
    "logcumsumexp",
    lambda xp, x, *, dim: xp.logaddexp.accumulate(x, axis=dim),
    {"x": lambda g, x, y, dim: logcumsumexp_slope(g, x, y, dim)},
)


def logcumsumexp_slope(g: Tensor, x: Tensor, y: Tensor, dim: int) -> Tensor:
    """Return sum over j >= i of g[j] * exp(x[i] - y[j]), positive and negative parts in logarithms."""
    parts = []
    for part in (g.clamp(min=0), (-g).clamp(min=0)):
        parts.append((x + logcumsumexp((part.log() - y).flip(dim), dim).flip(dim)).exp())
    return parts[0] - parts[1]


def logsumexp_array(xp: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    """Return log(sum(exp(x))) with the largest element taken out first."""
    top = xp.max(x, axis=dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, x.dtype.type(0))
    total = xp.sum(xp.exp(x - top), axis=dim, keepdims=True)
    result = xp.log(total) + top
    return result if keepdim else xp.squeeze(result, axis=dim)


def to_extremes(g: Tensor, x: Tensor, y: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Share the gradient equally among the elements that are the extreme."""
    shape = x.array.shape
    chosen = (x == spread(y, shape, dim, keepdim)).astype(x.array.dtype)
    return spread(g, shape, dim, keepdim) * chosen / chosen.sum(dim, keepdim=True)


def prod_slope(g: Tensor, x: Tensor, y: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Return g * y / x where no factor is zero, else the product of the other factors."""
    shape = x.array.shape
    if not bool((x == 0).any()):
        return spread(g * y, shape, dim, keepdim) / x
    axis = dim[0] if len(dim) == 1 else -1
    line = x if len(dim) == 1 else x.reshape(-1)
    others = _product_of_others(line, axis)
    return spread(g, shape, dim, keepdim) * others.reshape(shape)


def _product_of_others(x: Tensor, dim: int) -> Tensor:
    """Return for each element the product of all the others along `dim`."""
    from stackgrad.ops.joining import cat

    size = x.array.shape[dim]
    one = x.narrow(dim, 0, 1) * 0 + 1
    before = cat([one, x.narrow(dim, 0, size - 1)], dim).cumprod(dim)
    after = cat([x.narrow(dim, 1, size - 1), one], dim).flip(dim).cumprod(dim).flip(dim)
    return before * after


def cumprod_slope(g: Tensor, x: Tensor, y: Tensor, dim: int) -> Tensor:
    """Return the gradient of a cumulative product; with zeros among the factors, term by term."""
    if not bool((x == 0).any()):
        return (g * y).flip(dim).cumsum(dim).flip(dim) / x
    from stackgrad.ops.joining import cat

    size = x.array.shape[dim]
    terms = []
    for k in range(size):
        before = x.narrow(dim, 0, k).prod(dim, keepdim=True)
        after = cat([before * 0 + 1, x.narrow(dim, k + 1, size - k - 1)], dim).cumprod(dim)
        terms.append((g.narrow(dim, k, size - k) * before * after).sum(dim, keepdim=True))
    return cat(terms, dim)


def _sum_kind(x: Tensor, dtype: Any) -> Any:
    if dtype is not None:
        return dtype.numpy
    return x.array.dtype if x.array.dtype.kind in "fV" else dtypes.int64.numpy


@function()
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:  # noqa: A001
    """Return the sum over `dim`, over everything by default; integers add up in int64."""
    return _sum(
        input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim, kind=_sum_kind(input, dtype)
    )


@function()
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean over `dim`; RuntimeError for integers."""
    x = input if dtype is None else input.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be a floating point, got {x.dtype}"
        )
    return _mean(x, dim=dims_of(dim, x.array.ndim), keepdim=keepdim)


@function()
def prod(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the product over `dim`, over everything by default."""
    return _prod(
        input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim, kind=_sum_kind(input, dtype)
    )


@function()
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """Return the maximum over `dim`; equal maxima share the gradient."""
    return _amax(input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim)


@function()
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """Return the minimum over `dim`; equal minima share the gradient."""
    return _amin(input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim)


@function()
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Return minimum and maximum."""
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


@function()
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:  # noqa: A001
    """Return whether any element is true over `dim`."""
    return _any(input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim)


@function()
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:  # noqa: A001
    """Return whether all elements are true over `dim`."""
    return _all(input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim)


@function()
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running sum along `dim`."""
    if not input.array.ndim:
        return input.clone()
    return _cumsum(input, dim=dim_of(dim, input.array.ndim), kind=_sum_kind(input, dtype))


@function()
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running product along `dim`."""
    if not input.array.ndim:
        return input.clone()
    return _cumprod(input, dim=dim_of(dim, input.array.ndim), kind=_sum_kind(input, dtype))


@function()
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return log(sum(exp(input))) over `dim`, without overflow."""
    x = input if input.dtype.is_floating_point else input.float()
    return _logsumexp(x, dim=dims_of(dim, x.array.ndim), keepdim=keepdim)


@function()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return log(cumsum(exp(input))) along `dim`, the largest element taken out first."""
    if not input.array.ndim:
        return input.clone()
    return _logcumsumexp(input, dim=dim_of(dim, input.array.ndim))


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
    return square_sum(centred, dims, keepdim) / (divisor if divisor else 0.0)


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


_norm2 = Op(
    "norm",
    lambda xp, x, *, dim, keepdim: xp.sqrt(
        xp.sum(x * x, axis=dim, keepdims=keepdim, dtype=wide(x.dtype))
    ).astype(x.dtype),
    {"x": lambda g, x, y, dim, keepdim: norm_slope(g, x, y, dim, keepdim)},
)


def norm_slope(g: Tensor, x: Tensor, y: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Return g * x / y, zero where the norm is."""
    shape = x.array.shape
    return x * spread(where(y == 0, 0.0, g / where(y == 0, 1.0, y)), shape, dim, keepdim)


def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """Sum over the dimensions along which broadcasting would spread `size` to this shape."""
    from stackgrad.ops.views import sizes_of

    target = sizes_of(size)
    shape = self.array.shape
    lead = len(shape) - len(target)
    dims = tuple(
        d for d in range(len(shape)) if d < lead or (target[d - lead] == 1 and shape[d] != 1)
    )
    if lead < 0 or _some(
        d >= lead and d not in dims and shape[d] != target[d - lead] for d in range(len(shape))
    ):
        raise RuntimeError(f"size {{{target}}} is not expandable to size {{{tuple(shape)}}}.")
    reduced = _sum(self, dim=dims, keepdim=True, kind=self.array.dtype) if dims else self
    return reduced.reshape(target) if lead else reduced


def _some(flags: Any) -> bool:
    return True in flags


Tensor.sum_to_size = sum_to_size

"""Sums, means, extremes and cumulative forms along dimensions."""

from __future__ import annotations

import math
from typing import Any

from stackgrad import dtypes
from stackgrad.ops.elementwise import where
from stackgrad.ops.table import Op, attach, function
from stackgrad.ops.views import dim_of
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


def spread(g: Tensor, x_shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Tensor:
    """Return what was reduced over `dim` as a view in the shape that it had before."""
    if not keepdim:
        g = g.reshape(tuple(1 if d in dim else s for d, s in enumerate(x_shape)))
    return g.expand(x_shape)


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


def logcumsumexp_slope(g: Tensor, x: Tensor, y: Tensor, dim: int) -> Tensor:
    """Return sum over j >= i of g[j] * exp(x[i] - y[j]), positive and negative parts in logarithms."""

    def of_size(size: Tensor) -> Tensor:
        log = where(size > 0, where(size > 0, size, 1.0).log(), -1e30)  # no slope at zero
        return (x + logcumsumexp((log - y).flip(dim), dim).flip(dim)).exp()

    return of_size(g.clamp(min=0)) - of_size((-g).clamp(min=0))


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


_sum: Op = Op(
    "sum",
    lambda xp, x, *, dim, keepdim, kind: sum_array(xp, x, dim, keepdim, kind),
    {"x": spread},
)
_mean: Op = Op(
    "mean",
    lambda xp, x, *, dim, keepdim: mean_array(xp, x, dim, keepdim),
    {
        "x": lambda g, x_shape, dim, keepdim: spread(
            g / math.prod(x_shape[d] for d in dim), x_shape, dim, keepdim
        )
    },
)
_amax: Op = Op(
    "amax",
    lambda xp, x, *, dim, keepdim: xp.max(x, axis=dim, keepdims=keepdim),
    {"x": to_extremes},
)
_amin: Op = Op(
    "amin",
    lambda xp, x, *, dim, keepdim: xp.min(x, axis=dim, keepdims=keepdim),
    {"x": to_extremes},
)
_prod: Op = Op(
    "prod",
    lambda xp, x, *, dim, keepdim, kind: xp.prod(x, axis=dim, keepdims=keepdim, dtype=kind),
    {"x": prod_slope},
)
_cumsum: Op = Op(
    "cumsum",
    lambda xp, x, *, dim, kind: xp.cumsum(x, axis=dim, dtype=wide(kind)).astype(kind),
    {"x": lambda g, dim: g.flip(dim).cumsum(dim).flip(dim)},
)
_cumprod: Op = Op(
    "cumprod",
    lambda xp, x, *, dim, kind: xp.cumprod(x, axis=dim, dtype=kind),
    {"x": cumprod_slope},
)
_logsumexp: Op = Op(
    "logsumexp",
    lambda xp, x, *, dim, keepdim: logsumexp_array(xp, x, dim, keepdim),
    {
        "x": lambda g, x, x_shape, y, dim, keepdim: (
            spread(g, x_shape, dim, keepdim) * (x - spread(y, x_shape, dim, keepdim)).exp()
        )
    },
)
_any: Op = Op("any", lambda xp, x, *, dim, keepdim: xp.any(x, axis=dim, keepdims=keepdim), {})
_all: Op = Op("all", lambda xp, x, *, dim, keepdim: xp.all(x, axis=dim, keepdims=keepdim), {})


_logcumsumexp: Op = Op(
    "logcumsumexp",
    lambda xp, x, *, dim: xp.logaddexp.accumulate(x, axis=dim),
    {"x": logcumsumexp_slope},
)


def logsumexp_array(xp: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    """Return log(sum(exp(x))) with the largest element taken out first."""
    top = xp.max(x, axis=dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, x.dtype.type(0))
    total = xp.sum(xp.exp(x - top), axis=dim, keepdims=True)
    result = xp.log(total) + top
    return result if keepdim else xp.squeeze(result, axis=dim)


def _sum_kind(x: Tensor, dtype: Any) -> Any:
    if dtype is not None:
        return dtype.numpy
    return x.array.dtype if x.array.dtype.kind in "fV" else dtypes.int64.numpy


@function()
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
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
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return whether any element is true over `dim`."""
    return _any(input, dim=dims_of(dim, input.array.ndim), keepdim=keepdim)


@function()
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
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


attach(sum_to_size=sum_to_size)

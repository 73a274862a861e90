"""Quantiles, histograms, the commonest element, covariance: what describes a sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stackgrad.ops.elementwise import where
from stackgrad.ops.scattering import gather
from stackgrad.ops.selection import Selected, argsort, searchsorted, sort
from stackgrad.ops.table import function
from stackgrad.ops.views import dim_of
from stackgrad.tensor import Tensor, wrap

_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore: bool
) -> Tensor:
    if interpolation not in _WAYS:
        raise RuntimeError(f"quantile() interpolation must be one of {', '.join(_WAYS)}")
    shares = q if isinstance(q, Tensor) else input.new_tensor(float(q))
    if shares.array.size and not 0 <= shares.array.min() <= shares.array.max() <= 1:
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    if not input.array.size:
        raise RuntimeError("quantile() input tensor must be non-empty")
    x = input.reshape(-1) if dim is None or not input.array.ndim else input
    place = 0 if dim is None else dim_of(dim, x.array.ndim)
    found = _between(x.movedim(place, -1), shares.reshape(-1), interpolation, ignore)
    found = found.movedim(-1, 0)  # (q, ...)
    if keepdim and dim is None:
        found = found.reshape(found.array.shape[0], *(1,) * input.array.ndim)
    elif keepdim and input.array.ndim:
        found = found.unsqueeze(place + 1)
    return found if shares.array.ndim else found.squeeze(0)


def _between(x: Tensor, shares: Tensor, interpolation: str, ignore: bool) -> Tensor:
    """Return (..., q) from (..., n): the elements, or what lies between two, at `shares` of the way up."""
    ordered, missing = sort(x, -1).values, x.isnan()
    size = ordered.array.shape[-1]
    last = (size - 1 - missing.sum(-1, keepdim=True)).clamp(min=0) if ignore else size - 1
    ranks = (shares * last).expand(*ordered.array.shape[:-1], shares.numel())
    if interpolation in ("lower", "higher", "nearest"):
        ranks = getattr(
            ranks, {"lower": "floor", "higher": "ceil", "nearest": "round"}[interpolation]
        )()
    low = ranks.floor().long()
    below, above = gather(ordered, -1, low), gather(ordered, -1, ranks.ceil().long())
    share = 0.5 if interpolation == "midpoint" else (ranks - low).to(ordered.dtype)
    found = below + (above - below) * share
    return found if ignore else where(missing.any(-1, keepdim=True), math.nan, found)


@function()
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """Return the element below which a share `q` lies, between two neighbours as `interpolation` says."""
    return _quantile(input, q, dim, keepdim, interpolation, ignore=False)


@function()
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """Return the quantile of the elements that are not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, ignore=True)


@function()
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean of the elements that are not NaN."""
    x = input if dtype is None else input.to(dtype)
    counts = x.isnan().logical_not().sum(dim, keepdim)
    return x.nansum(dim, keepdim) / counts.to(x.dtype)


@function()
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the (lower) median of the elements that are not NaN; with `dim` also where it stood."""
    flat = dim is None
    x = input.reshape(-1) if flat or not input.array.ndim else input
    place = 0 if dim is None else dim_of(dim, x.array.ndim)
    order = argsort(x, place)
    counts = x.isnan().logical_not().sum(place, keepdim=True)
    rank = ((counts - 1).clamp(min=0) // 2).long()
    index = gather(order, place, rank)
    values = gather(x, place, index)
    if flat:
        return values.reshape(())
    if not input.array.ndim:
        return Selected(values.reshape(()), index.reshape(()))
    if keepdim:
        return Selected(values, index)
    return Selected(values.squeeze(place), index.squeeze(place))


@function()
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Selected:
    """Return the commonest element along `dim`, the smallest of several, and its last place."""
    x = input if input.array.ndim else input.reshape(1)
    place = dim_of(dim, x.array.ndim)
    line = x.movedim(place, -1).detach()
    counts = (line.unsqueeze(-1) == line.unsqueeze(-2)).sum(-1)
    top = counts.amax(-1, keepdim=True)
    largest = line.amax(-1, keepdim=True)
    value = where(counts == top, line, largest).amin(-1, keepdim=True)
    size = line.array.shape[-1]
    positions = wrap(line.device.xp.arange(size), line.device)
    index = where(line == value, positions, -1).amax(-1, keepdim=True).movedim(-1, place)
    values = gather(x, place, index)
    if not input.array.ndim:
        return Selected(values.reshape(()), index.reshape(()))
    if keepdim:
        return Selected(values, index)
    return Selected(values.squeeze(place), index.squeeze(place))


@function()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Return how many elements lie in each of `bins` equal parts of [min, max], by default their range."""
    low, high = float(min), float(max)
    array = input.array
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    counts, _ = input.device.xp.histogram(array, bins, (low, high))
    return wrap(counts.astype(array.dtype), input.device)


@function(method=False)
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """Return the number of the bucket between `boundaries` in which each element lies."""
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@function()
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """Return the covariances of the rows, each column an observation with the weights given."""
    if input.array.ndim > 2:
        raise RuntimeError("cov(): expected input to have two or fewer dimensions")
    x = input.reshape(1, -1) if input.array.ndim < 2 else input
    weights: Any = fweights
    if aweights is not None:
        weights = aweights if fweights is None else fweights * aweights
    if weights is None:
        total: Any = x.array.shape[1]
        centred = x - x.mean(1, keepdim=True) if total else x
        scaled, divisor = centred, total - correction
    else:
        total = weights.sum()
        centred = x - (x * weights).sum(1, keepdim=True) / total
        scaled = centred * weights
        lost = total if aweights is None else (weights * aweights).sum()
        divisor = total - correction * lost / total
    divisor = divisor.clamp(min=0) if isinstance(divisor, Tensor) else max(divisor, 0) or 0.0
    found = scaled @ centred.transpose(0, 1) / divisor
    return found.squeeze()


@function()
def corrcoef(input: Tensor) -> Tensor:
    """Return the correlations of the rows."""
    c = cov(input)
    if not c.array.ndim:
        return c / c
    deviation = c.diagonal().sqrt()
    return (c / deviation.unsqueeze(-1) / deviation.unsqueeze(0)).clamp(-1, 1)


@function()
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the elements (or slices along `dim`) that differ from the one before; if asked also inverse and counts."""
    x = input.reshape(-1) if dim is None else input
    place = 0 if dim is None else dim_of(dim, input.array.ndim)
    xp = x.device.xp
    size = x.array.shape[place]
    lines = xp.moveaxis(x.array, place, 0).reshape(size, x.array.size // max(size, 1))
    fresh = xp.ones(size, bool)
    fresh[1:] = (lines[1:] != lines[:-1]).any(1)
    starts = xp.flatnonzero(fresh)
    found = [x.index_select(place, wrap(starts, x.device))]
    inverse = xp.cumsum(fresh) - 1
    if return_inverse:
        shape = input.array.shape if dim is None else inverse.shape
        found.append(wrap(inverse.reshape(shape), x.device))
    if return_counts:
        counts = xp.diff(xp.concatenate([starts, xp.asarray([size])])).astype(np.int64)
        found.append(wrap(counts, x.device))
    return found[0] if len(found) == 1 else tuple(found)

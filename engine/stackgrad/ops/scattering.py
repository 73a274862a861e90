"""Reading and writing along one dimension: gather, scatter and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import quiet
from stackgrad.ops.elementwise import where
from stackgrad.ops.indexing import _take, _take_back, getitem, normalise, setitem
from stackgrad.ops.joining import cat
from stackgrad.ops.table import Op, function
from stackgrad.ops.views import dim_of, expand
from stackgrad.tensor import Tensor, wrap

_gather: Op = Op(
    "gather",
    lambda xp, x, index, *, dim: xp.take_along_axis(_like(x, index, dim), index, dim),
    {"x": lambda g, x_shape, index, dim: _gather_back(g, index, shape=x_shape, dim=dim)},
)


_gather_back: Op = Op(
    "gather_backward",
    lambda xp, h, index, *, shape, dim: added_along(xp, h, index, shape, dim),
    {"h": lambda g, index, dim: _gather(g, index, dim=dim)},
)


def _like(x: Any, index: Any, dim: int) -> Any:
    """Return the part of `x` over which `index` reaches in the other dimensions."""
    return (
        x[tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape))]
        if x.ndim
        else x.reshape(1)
    )


def _grid(xp: Any, index: Any, dim: int) -> tuple[Any, ...]:
    key = list(xp.ogrid[tuple(slice(n) for n in index.shape)])
    key[dim] = index
    return tuple(key)


def added_along(xp: Any, g: Any, index: Any, shape: tuple[int, ...], dim: int) -> Any:
    """Return zeros of `shape` with `g` added at `index` along `dim`."""
    out = xp.zeros(shape, g.dtype)
    if out.ndim:
        xp.add.at(out, _grid(xp, index, dim), g)
    else:
        out += g.sum()
    return out


@function()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:  # noqa: ARG001
    """Return the elements at `index` along `dim`; the result has the shape of `index`."""
    if not input.array.ndim:
        return expand(input, index.array.shape)
    if not index.array.ndim:
        return _gather(input, index.reshape(1), dim=0).reshape(())
    if not index.array.size:
        return input.new_empty(index.array.shape) + 0 * input.sum()
    return _gather(input, index, dim=dim_of(dim, input.array.ndim))


@function()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Return the elements at `indices` along `dim`, the other dimensions broadcast."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    place = dim_of(dim, input.array.ndim)
    shape = np.broadcast_shapes(
        *[
            tuple(1 if d == place else n for d, n in enumerate(t.array.shape))
            for t in (input, indices)
        ]
    )
    x = expand(
        input, tuple(input.array.shape[place] if d == place else n for d, n in enumerate(shape))
    )
    index = expand(
        indices, tuple(indices.array.shape[place] if d == place else n for d, n in enumerate(shape))
    )
    return gather(x, place, index)


@function()
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices at the indices of a vector along `dim`."""
    if not input.array.ndim:
        return input.clone()
    place = dim_of(dim, input.array.ndim)
    return _take(input, key=(slice(None),) * place + (index.array.reshape(-1),))


@function()
def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements at `index` of the flattened tensor."""
    return getitem(input.reshape(-1), index)


@function()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where `mask` holds, in one dimension."""
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    return getitem(expand(input, shape), expand(mask, shape)).reshape(-1)


@function(inplace=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return the tensor with the elements of `source`, in order, where `mask` holds."""
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    found, full = expand(input, shape).clone(), expand(mask, shape)
    setitem(found, full, source.reshape(-1)[: int(full.array.sum())])
    return found


@function(inplace=True)
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Tensor:
    """Return the tensor with `src`, or the number `value`, written at `index` along `dim`."""
    source = value if src is None else src
    if reduce is not None:
        return scatter_reduce(
            input,
            dim,
            index,
            _filled(source, index, input),
            {"add": "sum", "multiply": "prod"}[reduce],
        )
    x = input.clone() if input.array.ndim else input.clone().reshape(1)
    place = index if index.array.ndim else index.reshape(1)
    grid = _grid(x.device.xp, place.array, dim_of(dim, x.array.ndim))
    if isinstance(source, Tensor):
        source = _part(source if source.array.ndim else source.reshape(1), place)
    setitem(x, grid, source)
    return x.reshape(input.array.shape)


def _part(source: Tensor, index: Tensor) -> Tensor:
    return getitem(source, tuple(slice(n) for n in index.array.shape))


def _filled(source: Any, index: Tensor, like: Tensor) -> Tensor:
    if isinstance(source, Tensor):
        return source
    return wrap(
        quiet.run(like.device.xp.full, index.array.shape, source, like.array.dtype), like.device
    )


@function(inplace=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return the tensor with `src` added at `index` along `dim`."""
    x = input if input.array.ndim else input.reshape(1)
    place, source = (t if t.array.ndim else t.reshape(1) for t in (index, src))
    added = _gather_back(
        _part(source, place), place, shape=x.array.shape, dim=dim_of(dim, x.array.ndim)
    )
    return (x + added).reshape(input.array.shape)


@function(inplace=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Return the tensor with `src` summed or averaged into it at `index` along `dim`."""
    if reduce in ("prod", "amin", "amax"):
        return _scatter_each(input, dim, index, src, reduce, include_self)
    if reduce not in ("sum", "mean"):
        raise RuntimeError("reduce argument must be either sum, prod, mean, amax or amin.")
    ones = wrap(quiet.run(src.device.xp.ones, src.array.shape, src.array.dtype), src.device)
    counts = scatter_add(input.detach() * 0, dim, index, ones)
    start = input if include_self else where(counts > 0, 0.0 * input, input)
    total = scatter_add(start, dim, index, src)
    if reduce == "sum":
        return total
    divisor = counts + 1 if include_self else counts.clamp(min=1)
    return total / divisor


def _scatter_each(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool
) -> Tensor:
    """Reduce all that goes to one place, as a dense (places, sources) comparison along `dim`."""
    x = input if input.array.ndim else input.reshape(1)
    place, source = (t if t.array.ndim else t.reshape(1) for t in (index, src))
    axis = dim_of(dim, x.array.ndim)
    part = tuple(slice(None) if d == axis else slice(n) for d, n in enumerate(place.array.shape))
    region = getitem(x, part).movedim(axis, -1).unsqueeze(-1)
    slots = wrap(quiet.run(x.device.xp.arange, x.array.shape[axis]), x.device).unsqueeze(-1)
    hits = place.movedim(axis, -1).unsqueeze(-2) == slots
    neutral = {"prod": 1.0, "amin": float("inf"), "amax": -float("inf")}[reduce]
    candidates = where(hits, _part(source, place).movedim(axis, -1).unsqueeze(-2), neutral)
    keeps = hits.any(-1, keepdim=True).logical_not() if not include_self else hits.new_tensor(True)
    own = where(keeps, region, neutral)
    joined = cat([candidates, own.expand(*candidates.array.shape[:-1], 1)], -1)
    reduced = getattr(joined, reduce)(-1).movedim(-1, axis)
    found = x.clone()
    setitem(found, part, reduced)
    return found.reshape(input.array.shape)


@function(inplace=True)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Return the tensor with slices of `source` added at `index` along `dim`."""
    x = input if input.array.ndim else input.reshape(1)
    given = source if source.array.ndim else source.reshape(1)
    key = (slice(None),) * dim_of(dim, x.array.ndim) + (index.array.reshape(-1),)
    added = _take_back(given if alpha == 1 else given * alpha, shape=x.array.shape, key=key)
    return (x + added).reshape(input.array.shape)


@function(inplace=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return the tensor with slices of `source` written at `index` along `dim`."""
    x = input.clone() if input.array.ndim else input.clone().reshape(1)
    setitem(x, (slice(None),) * dim_of(dim, x.array.ndim) + (index.array.reshape(-1),), source)
    return x.reshape(input.array.shape)


@function(inplace=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return the tensor with a number written at `index` along `dim`."""
    x = input.clone() if input.array.ndim else input.clone().reshape(1)
    setitem(x, (slice(None),) * dim_of(dim, x.array.ndim) + (index.array.reshape(-1),), value)
    return x.reshape(input.array.shape)


@function(inplace=True)
def index_put(
    input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """Return the tensor with `values` written, or added, at `indices`."""
    key = tuple(indices)
    if accumulate:
        parts, _ = normalise(input, key)
        return input + _take_back(
            expand(values, input.array[parts].shape), shape=input.array.shape, key=parts
        )
    found = input.clone()
    setitem(found, key, values)
    return found

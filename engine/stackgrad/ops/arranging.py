"""Tensors beside, above and within one another, turned and cut."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.layout import Size
from stackgrad.ops.copies import flip
from stackgrad.ops.creation import meshgrid
from stackgrad.ops.indexing import setitem
from stackgrad.ops.joining import cat, split, stack, tensor_split
from stackgrad.ops.linalg import diag_embed
from stackgrad.ops.table import attach, function
from stackgrad.ops.views import atleast_1d, dim_of, reshape
from stackgrad.tensor import Tensor, wrap


def _several(tensors: tuple[Any, ...]) -> tuple[Tensor, ...]:
    lone = len(tensors) == 1 and isinstance(tensors[0], (list, tuple))
    return tuple(tensors[0]) if lone else tensors


@function(method=False)
def atleast_2d(*tensors: Any) -> Any:
    """Return the tensors with at least two dimensions, new ones in front."""
    found = tuple(
        reshape(t, (1,) * (2 - t.array.ndim) + t.array.shape) if t.array.ndim < 2 else t
        for t in _several(tensors)
    )
    return found[0] if len(tensors) == 1 and isinstance(tensors[0], Tensor) else found


@function(method=False)
def atleast_3d(*tensors: Any) -> Any:
    """Return the tensors with at least three dimensions; a matrix gets a last one."""
    found = tuple(t if t.array.ndim > 2 else atleast_2d(t).unsqueeze(-1) for t in _several(tensors))
    return found[0] if len(tensors) == 1 and isinstance(tensors[0], Tensor) else found


@function(method=False)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors joined side by side."""
    parts = atleast_1d(list(tensors))
    parts = parts if isinstance(parts, tuple) else (parts,)
    return cat(parts, 0 if parts[0].array.ndim == 1 else 1)


@function(method=False)
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors joined as rows."""
    return cat(atleast_2d(list(tensors)), 0)


@function(method=False)
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors joined along the third dimension."""
    return cat(atleast_3d(list(tensors)), 2)


@function(method=False)
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors joined side by side, vectors as columns."""
    return hstack([t.reshape(-1, 1) if t.array.ndim < 2 else t for t in tensors])


@function(method=False)
def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors joined as rows."""
    return vstack(tensors)


def _split_along(name: str, least: int, dim: int) -> Any:
    def cut(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        ndim = input.array.ndim
        if ndim < least:
            raise RuntimeError(f"{name} requires a tensor with at least {least} dimension(s)")
        place = 0 if ndim == 1 else dim
        sections, size = indices_or_sections, input.array.shape[place]
        if isinstance(sections, int) and (sections < 1 or size % sections):
            raise RuntimeError(
                f"{name}: dimension {place} of size {size} cannot be split in {sections}"
            )
        return tensor_split(input, sections, place)

    cut.__name__ = name
    cut.__doc__ = f"Return equal parts, or parts at the indices given, along dimension {dim}."
    return function()(cut)


hsplit = _split_along("hsplit", 1, 1)
vsplit = _split_along("vsplit", 2, 0)
dsplit = _split_along("dsplit", 3, 2)


@function()
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Any:
    """Return views of pieces of the sizes given along `dim`."""
    return split(input, list(split_sizes), dim)


@function(method=False)
def block_diag(*tensors: Any) -> Tensor:
    """Return the matrices on the diagonal of one matrix."""
    parts = [atleast_2d(t) for t in _several(tensors)]
    width = sum(p.array.shape[1] for p in parts)
    rows, before = [], 0
    for part in parts:
        height, own = part.array.shape
        left, right = part.new_zeros(height, before), part.new_zeros(height, width - before - own)
        rows.append(cat([left, part, right], 1))
        before += own
    return cat(rows, 0)


@function(method=False)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return every choice of one element of each vector, one row each."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*tensors)], 1)


@function(method=False)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return every choice of `r` elements of a vector, one row each."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.array.size), r)), np.int64).reshape(-1, r)
    return input[wrap(input.device.asarray(places), input.device)]


@function()
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Return the tensor turned by `k` quarters in the plane of two dimensions."""
    a, b = (dim_of(d, input.array.ndim) for d in dims)
    if a == b:
        raise RuntimeError("expected rotation dims to be different")
    if k % 4 == 2:
        return flip(input, (a, b))
    if k % 4 == 0:
        return input.clone()
    return flip(input, b).transpose(a, b) if k % 4 == 1 else flip(input.transpose(a, b), b)


@function()
def fliplr(input: Tensor) -> Tensor:
    """Return the columns in the opposite order."""
    return flip(input, 1)


@function()
def flipud(input: Tensor) -> Tensor:
    """Return the rows in the opposite order."""
    return flip(input, 0)


@function()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return a matrix with the elements on a diagonal."""
    return diag_embed(input.reshape(-1), offset)


@function()
def adjoint(input: Tensor) -> Tensor:
    """Return the matrices transposed."""
    return input.transpose(-2, -1)


@function()
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """Return a copy with `src` written into a slice along `dim`."""
    found = input.clone()
    key = (slice(None),) * dim_of(dim, input.array.ndim) + (slice(start, end, step),)
    if found[key].array.shape != src.array.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self, {found[key].shape}"
        )
    setitem(found, key, src)
    return found


@function()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """Return a copy with `src` written at one index of `dim`."""
    found = input.clone()
    key = (slice(None),) * dim_of(dim, input.array.ndim) + (index,)
    if found[key].array.shape != src.array.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self, {found[key].shape}"
        )
    setitem(found, key, src)
    return found


@function()
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Return a copy with `src` written on a diagonal."""
    found = input.clone()
    place = found.diagonal(offset, dim1, dim2)
    if place.array.shape != src.array.shape:
        raise RuntimeError(f"expected src to have a size equal to the slice of self, {place.shape}")
    place.copy_(src)
    return found


@function(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Return flat indices as one index per dimension of `shape`."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if indices.array.size and not -np.prod(sizes) <= indices.array.min():
        raise ValueError("Dimension size must be nonnegative and indices within the shape")
    found = indices.device.xp.unravel_index(indices.array % max(int(np.prod(sizes)), 1), sizes)
    return tuple(wrap(indices.device.xp.asarray(f), indices.device) for f in found)


@function(method=False)
def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape to which all broadcast; RuntimeError if there is none."""
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise RuntimeError(str(error)) from error


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Write a number on the main diagonal; with `wrap` it begins anew below it."""
    rows, columns = self.array.shape[0], self.array.shape[-1]
    if wrap and self.array.ndim == 2 and rows > columns:
        self.view(-1)[:: columns + 1].fill_(fill_value)
    elif self.array.ndim == 2:
        self.diagonal().fill_(fill_value)
    else:
        index = self.device.xp.arange(rows)
        self[(index,) * self.array.ndim] = fill_value
    return self


attach(fill_diagonal_=fill_diagonal_, mH=property(adjoint))

"""Shape and order of the elements without moving them: views, and the copies that their gradients are."""

# ruff: noqa: ARG005  (every function of the table takes the array module first)
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.ops.strides import add_windows, diagonal_of, place, place_diagonal, windows
from stackgrad.ops.table import Op, attach, function, publish_alias
from stackgrad.tensor import Tensor, wrap


def sizes_of(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the sizes of a call f(2, 3) or f((2, 3)) as one tuple."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    return tuple(int(s) for s in sizes)


def dim_of(dim: int, ndim: int) -> int:
    """Return `dim` counted from the front; IndexError if there is none such."""
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-max(ndim, 1)}, {max(ndim, 1) - 1}], but got {dim})"
        )
    return dim % ndim if ndim else 0


# ---- views

_reshape: Op = Op(
    "reshape",
    lambda xp, x, *, shape: x.reshape(shape),
    {"x": lambda g, x_shape: g.reshape(x_shape)},
    view=True,
)
_reshape_copy: Op = Op(
    "reshape",
    lambda xp, x, *, shape: x.reshape(shape),
    {"x": lambda g, x_shape: g.reshape(x_shape)},
)
_permute: Op = Op(
    "permute",
    lambda xp, x, *, dims: x.transpose(dims),
    {"x": lambda g, dims: _permute(g, dims=inverse(dims))},
    view=True,
)
_expand: Op = Op(
    "expand",
    lambda xp, x, *, shape: xp.broadcast_to(x, shape),
    {"x": lambda g, x_shape: g.sum_to_size(x_shape)},
    view=True,
)
_slice: Op = Op(
    "slice",
    lambda xp, x, *, key: x[key],
    {"x": lambda g, x_shape, key: _embed(g, shape=x_shape, key=key)},
    view=True,
)
_diagonal: Op = Op(
    "diagonal",
    lambda xp, x, *, offset, dim1, dim2: diagonal_of(xp, x, offset, dim1, dim2),
    {
        "x": lambda g, x_shape, offset, dim1, dim2: _embed_diagonal(
            g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2
        )
    },
    view=True,
)
_unfold: Op = Op(
    "unfold",
    lambda xp, x, *, dim, size, step: windows(xp, x, dim, size, step),
    {
        "x": lambda g, x_shape, dim, size, step: _unfold_back(
            g, shape=x_shape, dim=dim, size=size, step=step
        )
    },
    view=True,
)
_unfold_back: Op = Op(
    "unfold_backward",
    lambda xp, h, *, shape, dim, size, step: add_windows(xp, h, shape, dim, size, step),
    {"h": lambda g, dim, size, step: _unfold(g, dim=dim, size=size, step=step)},
)
_embed: Op = Op(
    "embed",
    lambda xp, h, *, shape, key: place(xp, h, shape, key),
    {"h": lambda g, key: _slice(g, key=key)},
)
_embed_diagonal: Op = Op(
    "embed_diagonal",
    lambda xp, h, *, shape, offset, dim1, dim2: place_diagonal(xp, h, shape, offset, dim1, dim2),
    {"h": lambda g, offset, dim1, dim2: _diagonal(g, offset=offset, dim1=dim1, dim2=dim2)},
)


def embed(g: Tensor, shape: tuple[int, ...], key: Any) -> Tensor:
    """Return zeros of `shape` with `g` at `key`: the gradient of a slice."""
    return _embed(g, shape=shape, key=key)


def embed_diagonal(g: Tensor, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Tensor:
    """Return zeros of `shape` with `g` on the diagonal: the gradient of `diagonal`."""
    return _embed_diagonal(g, shape=shape, offset=offset, dim1=dim1, dim2=dim2)


def inverse(dims: Sequence[int]) -> tuple[int, ...]:
    """Return the permutation that undoes `dims`."""
    found = [0] * len(dims)
    for place_, dim in enumerate(dims):
        found[dim] = place_
    return tuple(found)


def complete(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Replace a size of -1 by what makes `count` elements; RuntimeError where nothing does."""
    if -1 in shape:
        known = math.prod(s for s in shape if s != -1)
        if shape.count(-1) == 1 and known and count % known == 0:
            shape = tuple(count // known if s == -1 else s for s in shape)
    if math.prod(shape) != count or -1 in shape:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return shape


def is_view(x: Tensor, y: Any) -> bool:
    """Return whether the array `y` lies in the memory of `x`."""
    return (
        x.array.flags.c_contiguous or bool(np.may_share_memory(x.array, y))
        if x.device.type == "cpu"
        else y.base is not None
    )


@function()
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """Return the elements in another shape: a view where the strides allow it, else a copy."""
    sizes = complete(sizes_of(shape), input.array.size)
    if input.array.flags.c_contiguous or is_view(input, input.array.reshape(sizes)):
        return _reshape(input, shape=sizes)
    return _reshape_copy(input, shape=sizes)


def view(self: Tensor, *shape: Any) -> Tensor:
    """Return a view in another shape, or of the same bytes in another dtype; RuntimeError if it needs a copy."""
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        found = wrap(self.array.view(shape[0].numpy), self.device)
        found.version = self.version
        return found
    sizes = complete(sizes_of(shape), self.array.size)
    if not (self.array.flags.c_contiguous or is_view(self, self.array.reshape(sizes))):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous subspaces). Use .reshape(...) instead."
        )
    return _reshape(self, shape=sizes)


attach(
    view=view,
    view_as=lambda self, other: view(self, other.array.shape),
    reshape_as=lambda self, other: reshape(self, other.array.shape),
)


@function()
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Return a view with the dimensions in another order."""
    order = tuple(dim_of(d, input.array.ndim) for d in sizes_of(dims))
    if sorted(order) != list(range(input.array.ndim)):
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions does not match: {order} for {input.array.ndim}"
        )
    return _permute(input, dims=order)


@function()
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return a view with two dimensions swapped."""
    ndim = input.array.ndim
    a, b = dim_of(dim0, ndim), dim_of(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = order[b], order[a]
    return _permute(input, dims=tuple(order))


@function()
def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix; a vector is itself."""
    if input.array.ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D"
        )
    return _permute(input, dims=tuple(range(input.array.ndim))[::-1])


def _reverse(x: Tensor) -> Tensor:
    return _permute(x, dims=tuple(range(x.array.ndim))[::-1])


@function()
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return a view with dimensions moved to other places."""
    ndim = input.array.ndim
    old = [dim_of(d, ndim) for d in (source if isinstance(source, (tuple, list)) else (source,))]
    new = [
        dim_of(d, ndim)
        for d in (destination if isinstance(destination, (tuple, list)) else (destination,))
    ]
    order = [d for d in range(ndim) if d not in old]
    for target, dim in sorted(zip(new, old, strict=True)):
        order.insert(target, dim)
    return _permute(input, dims=tuple(order))


attach(
    T=property(_reverse),
    H=property(_reverse),
    mT=property(lambda self: transpose(self, -2, -1)),
)


def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Return a view repeated along dimensions of size 1, and along new ones in front."""
    shape = sizes_of(sizes)
    lead = len(shape) - self.array.ndim
    old = (1,) * lead + self.array.shape
    full = tuple(o if s == -1 else s for s, o in zip(shape, old, strict=False))
    if lead < 0 or any(o not in (1, s) for s, o in zip(full, old, strict=False)):
        raise RuntimeError(
            f"The expanded size of the tensor {shape} must match the existing size {tuple(self.array.shape)}"
        )
    return _expand(self, shape=full)


attach(expand=expand, expand_as=lambda self, other: expand(self, other.array.shape))


@function()
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Return a view broadcast to `size`."""
    return expand(input, tuple(size))


@function(method=False)
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return views of all tensors in their common shape."""
    shape = np.broadcast_shapes(*[t.array.shape for t in tensors])
    return tuple(expand(t, shape) for t in tensors)


@function()
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Return a view without the dimensions of size 1, or without those named if they have it."""
    shape = input.array.shape
    chosen = range(len(shape)) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    drop = {dim_of(d, len(shape)) for d in chosen}
    return _reshape_any(input, tuple(s for d, s in enumerate(shape) if s != 1 or d not in drop))


@function()
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return a view with a new dimension of size 1 at `dim`."""
    place_ = dim_of(dim, input.array.ndim + 1)
    shape = input.array.shape
    return _reshape_any(input, (*shape[:place_], 1, *shape[place_:]))


def _reshape_any(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a view that differs in dimensions of size 1 alone, which every stride allows."""
    return _reshape(x, shape=shape)


@function()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the tensor with the dimensions from `start_dim` to `end_dim` made one."""
    shape = input.array.shape
    if not shape:
        return reshape(input, 1)
    first, last = dim_of(start_dim, len(shape)), dim_of(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


@function()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Return the tensor with one dimension made several."""
    shape = input.array.shape
    place_ = dim_of(dim, len(shape))
    return reshape(
        input, (*shape[:place_], *complete(tuple(sizes), shape[place_]), *shape[place_ + 1 :])
    )


@function()
def ravel(input: Tensor) -> Tensor:
    """Return the elements in one dimension."""
    return reshape(input, -1)


@function()
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Return a view of `length` elements along `dim` from `start`."""
    place_ = dim_of(dim, input.array.ndim)
    size = input.array.shape[place_]
    first = int(start) + (size if start < 0 else 0)
    if not 0 <= first <= first + length <= size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return _slice(input, key=(slice(None),) * place_ + (slice(first, first + length),))


@function()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return a view of one index of `dim`, without that dimension."""
    place_ = dim_of(dim, input.array.ndim)
    if not -input.array.shape[place_] <= index < input.array.shape[place_]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.array.shape)} at dimension {dim}"
        )
    return _slice(input, key=(slice(None),) * place_ + (int(index), ...))


@function()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of a diagonal, as the last dimension."""
    ndim = input.array.ndim
    return _diagonal(input, offset=offset, dim1=dim_of(dim1, ndim), dim2=dim_of(dim2, ndim))


def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return a view of all windows of `size` along a dimension, every `step`."""
    if not self.array.ndim:
        return _unfold(reshape(self, 1), dim=0, size=1, step=1).reshape(1)[:size]
    return _unfold(self, dim=dim_of(dimension, self.array.ndim), size=size, step=step)


attach(unfold=unfold)


def detached_view(self: Tensor) -> Tensor:
    """Return an alias with a history of its own that starts at this tensor."""
    return _reshape(self, shape=self.array.shape)


attach(alias=detached_view)

for _name, _call in {"swapaxes": transpose, "swapdims": transpose, "moveaxis": movedim}.items():
    publish_alias(_name, _call)


@function(method=False)
def atleast_1d(*tensors: Any) -> Any:
    """Return the tensors with at least one dimension."""
    tensors = tuple(tensors[0]) if isinstance(tensors[0], (list, tuple)) else tensors
    found = tuple(reshape(t, 1) if not t.array.ndim else t for t in tensors)
    return found[0] if len(found) == 1 else found


def _write_shape(call: Any) -> Any:
    def apply(self: Tensor, *args: Any) -> Tensor:
        changed = call(self, *args)
        self.array, self.node, self.index, self.tracked = (
            changed.array,
            changed.node,
            changed.index,
            changed.tracked,
        )
        return self

    return apply


for _name, _change in {
    "unsqueeze": unsqueeze,
    "squeeze": squeeze,
    "transpose": transpose,
    "t": t,
}.items():
    setattr(Tensor, f"{_name}_", _write_shape(_change))

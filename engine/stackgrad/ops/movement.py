"""Shape, order and type of the elements: views where PyTorch has views, else copies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.device import Device, device
from stackgrad.ops.table import Op, cast, function
from stackgrad.tensor import Tensor, share, wrap


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

_reshape = Op(
    "reshape",
    lambda xp, x, *, shape: x.reshape(shape),
    {"x": lambda g, x_shape: g.reshape(x_shape)},
    view=True,
)
_reshape_copy = Op(
    "reshape",
    lambda xp, x, *, shape: x.reshape(shape),
    {"x": lambda g, x_shape: g.reshape(x_shape)},
)
_permute = Op(
    "permute",
    lambda xp, x, *, dims: x.transpose(dims),
    {"x": lambda g, dims: permute(g, inverse(dims))},
    view=True,
)
_expand = Op(
    "expand",
    lambda xp, x, *, shape: xp.broadcast_to(x, shape),
    {"x": lambda g, x_shape: g.sum_to_size(x_shape)},
    view=True,
)
_slice = Op(
    "slice",
    lambda xp, x, *, key: x[key],
    {"x": lambda g, x_shape, key: embed(g, x_shape, key)},
    view=True,
)
_diagonal = Op(
    "diagonal",
    lambda xp, x, *, offset, dim1, dim2: xp.diagonal(x, offset, dim1, dim2),
    {"x": lambda g, x_shape, offset, dim1, dim2: embed_diagonal(g, x_shape, offset, dim1, dim2)},
    view=True,
)
_unfold = Op(
    "unfold",
    lambda xp, x, *, dim, size, step: windows(xp, x, dim, size, step),
    {
        "x": lambda g, x_shape, dim, size, step: _unfold_back(
            g, shape=x_shape, dim=dim, size=size, step=step
        )
    },
    view=True,
)
_unfold_back = Op(
    "unfold_backward",
    lambda xp, h, *, shape, dim, size, step: add_windows(xp, h, shape, dim, size, step),
    {"h": lambda g, dim, size, step: unfold(g, dim, size, step)},
)
_embed = Op(
    "embed",
    lambda xp, h, *, shape, key: place(xp, h, shape, key),
    {"h": lambda g, key: _slice(g, key=key)},
)
_embed_diagonal = Op(
    "embed_diagonal",
    lambda xp, h, *, shape, offset, dim1, dim2: place_diagonal(xp, h, shape, offset, dim1, dim2),
    {"h": lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2)},
)


def place(xp: Any, value: Any, shape: tuple[int, ...], key: Any) -> Any:
    """Return zeros of `shape` with `value` at `key`."""
    out = xp.zeros(shape, value.dtype)
    out[key] = value
    return out


def place_diagonal(
    xp: Any, value: Any, shape: tuple[int, ...], offset: int, dim1: int, dim2: int
) -> Any:
    """Return zeros of `shape` with `value` on the diagonal."""
    out = xp.zeros(shape, value.dtype)
    line = xp.diagonal(out, offset, dim1, dim2)
    if line.size:
        line = xp.lib.stride_tricks.as_strided(
            _start(out, offset, dim1, dim2), line.shape, line.strides
        )
        line[...] = value
    return out


def _start(array: Any, offset: int, dim1: int, dim2: int) -> Any:
    key = [slice(None)] * array.ndim
    key[dim1], key[dim2] = slice(max(-offset, 0), None), slice(max(offset, 0), None)
    return array[tuple(key)]


def windows(xp: Any, x: Any, dim: int, size: int, step: int) -> Any:
    """Return the windows of `size` along `dim`, every `step`, as a last dimension."""
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
    return xp.lib.stride_tricks.as_strided(x, shape, strides)


def add_windows(xp: Any, g: Any, shape: tuple[int, ...], dim: int, size: int, step: int) -> Any:
    """Add overlapping windows back into an array of `shape`."""
    out = xp.zeros(shape, g.dtype)
    view = out.swapaxes(0, dim)
    count = g.shape[dim]
    windows_first = g.swapaxes(0, dim)
    for offset in range(size):
        view[offset : offset + count * step : step] += windows_first[..., offset]
    return out


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


Tensor.view = view
Tensor.view_as = lambda self, other: view(self, other.array.shape)
Tensor.reshape_as = lambda self, other: reshape(self, other.array.shape)


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
    for target, dim in sorted(zip(new, old)):
        order.insert(target, dim)
    return _permute(input, dims=tuple(order))


Tensor.T = property(lambda self: _permute(self, dims=tuple(range(self.array.ndim))[::-1]))
Tensor.mT = property(lambda self: transpose(self, -2, -1))
Tensor.H = Tensor.T


def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Return a view repeated along dimensions of size 1, and along new ones in front."""
    shape = sizes_of(sizes)
    lead = len(shape) - self.array.ndim
    old = (1,) * lead + self.array.shape
    full = tuple(o if s == -1 else s for s, o in zip(shape, old))
    if lead < 0 or any(o not in (1, s) for s, o in zip(full, old)):
        raise RuntimeError(
            f"The expanded size of the tensor {shape} must match the existing size {tuple(self.array.shape)}"
        )
    return _expand(self, shape=full)


Tensor.expand = expand
Tensor.expand_as = lambda self, other: expand(self, other.array.shape)


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


Tensor.unfold = unfold


@function()
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of pieces of one size, or of the sizes given, along `dim`."""
    size = tensor.array.shape[dim_of(dim, tensor.array.ndim)]
    sections = split_size_or_sections
    if isinstance(sections, int):
        sections = (
            [min(sections, size - i) for i in range(0, size, sections)] or [0] if sections else [0]
        )
    if sum(sections) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size}, but got {list(sections)}"
        )
    starts = [sum(sections[:i]) for i in range(len(sections))]
    return tuple(narrow(tensor, dim, start, length) for start, length in zip(starts, sections))


@function()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of at most `chunks` pieces of one size along `dim`; the last may be smaller."""
    size = input.array.shape[dim_of(dim, input.array.ndim)]
    return split(input, max(-(-size // chunks), 1), dim)


@function()
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views split at the indices given, or into nearly equal sections."""
    size = input.array.shape[dim_of(dim, input.array.ndim)]
    cuts = (
        indices_or_sections.tolist()
        if isinstance(indices_or_sections, Tensor)
        else indices_or_sections
    )
    if isinstance(cuts, int):
        small, larger = divmod(size, cuts)
        cuts = [i * small + min(i, larger) for i in range(1, cuts)]
    bounds = [0, *[min(max(c + size if c < 0 else c, 0), size) for c in cuts], size]
    return tuple(narrow(input, dim, a, max(b - a, 0)) for a, b in zip(bounds, bounds[1:]))


@function()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the views of every index of `dim`."""
    return tuple(
        select(input, dim, i) for i in range(input.array.shape[dim_of(dim, input.array.ndim)])
    )


# ---- copies

_cast = Op("to", lambda xp, x, *, kind: x.astype(kind), {"x": lambda g, x_kind: g.astype(x_kind)})
_clone = Op("clone", lambda xp, x: x.copy(order="K"), {"x": lambda g: g})
_contiguous = Op("contiguous", lambda xp, x: xp.ascontiguousarray(x), {"x": lambda g: g})
_move = Op(
    "to_device",
    lambda xp, x, *, target: target.asarray(x),
    {"x": lambda g, x_device: g.to(x_device)},
)
_flip = Op(
    "flip", lambda xp, x, *, dims: xp.flip(x, dims).copy(), {"x": lambda g, dims: flip(g, dims)}
)
_roll = Op(
    "roll",
    lambda xp, x, *, shifts, dims: xp.roll(x, shifts, dims),
    {"x": lambda g, shifts, dims: _roll(g, shifts=tuple(-s for s in shifts), dims=dims)},
)
_repeat = Op(
    "repeat",
    lambda xp, x, *, sizes: xp.tile(x, sizes),
    {"x": lambda g, x_shape, sizes: fold_repeats(g, x_shape, sizes)},
)


def astype(self: Tensor, kind: Any) -> Tensor:
    """Return the tensor as NumPy dtype `kind`; itself if it has it."""
    kind = np.dtype(kind) if not isinstance(kind, np.dtype) else kind
    return self if self.array.dtype == kind else _cast(self, kind=kind)


Tensor.astype = astype


@function()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a copy, through which gradients pass."""
    return contiguous_copy(input) if memory_format == "contiguous_format" else _clone(input)


def contiguous_copy(x: Tensor) -> Tensor:
    """Return a row-major copy."""
    return _clone(x) if x.array.flags.c_contiguous else _contiguous(x)


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:  # noqa: ARG001
    """Return the tensor itself if it is row-major, else a row-major copy."""
    return self if self.array.flags.c_contiguous else _contiguous(self)


Tensor.contiguous = contiguous


def to(
    self: Tensor,
    *args: Any,
    dtype: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
    **where: Any,
) -> Tensor:  # noqa: ARG001
    """Return the tensor in another dtype or on another device; itself if nothing changes."""
    target = device(where.pop("device")) if where.get("device") is not None else None
    where.pop("device", None)
    if where:
        raise TypeError(f"to() got an unexpected keyword argument {next(iter(where))!r}")
    for position, argument in enumerate(args):
        if isinstance(argument, dtypes.dtype):
            dtype = argument
        elif isinstance(argument, Tensor):
            dtype, target = argument.dtype, argument.device
        elif isinstance(argument, (str, Device)) or (
            isinstance(argument, int) and not isinstance(argument, bool)
        ):
            target = device(argument)
        elif isinstance(argument, bool):
            copy = argument if position == len(args) - 1 and position > 1 else copy
        elif argument is not None:
            raise TypeError(f"to() received an invalid argument of type {type(argument).__name__}")
    result = self
    if target is not None and target is not self.device:
        result = move(result, target)
    if dtype is not None and result.array.dtype != dtype.numpy:
        result = _cast(result, kind=dtype.numpy)
    return clone(result) if copy and result is self else result


def move(x: Tensor, target: Device) -> Tensor:
    """Return a copy of `x` on another device."""
    result = wrap(target.asarray(x.array), target)
    if x.requires_grad:
        from stackgrad.graph import edge_to, mode

        if mode.enabled:
            result.node, result.tracked = (
                _move.node([edge_to(x)], (x,), {"target": target}, result),
                True,
            )
    return result


Tensor.to = to
Tensor.cpu = lambda self, **_: to(self, "cpu")
Tensor.cuda = lambda self, where=None, **_: to(self, device("cuda" if where is None else where))
Tensor.type_as = lambda self, other: to(self, other.dtype)
for _name, _dtype in {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "bfloat16": dtypes.bfloat16,
    "long": dtypes.int64,
    "int": dtypes.int32,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
    "bool": dtypes.bool_,
}.items():
    setattr(Tensor, _name, lambda self, _dtype=_dtype, **_: to(self, _dtype))


@function()
def flip(input: Tensor, *args: Any, dims: Any = None) -> Tensor:
    """Return a copy with the order along `dims` reversed."""
    chosen = sizes_of(args if dims is None else (dims,))
    return _flip(input, dims=tuple(dim_of(d, input.array.ndim) for d in chosen))


@function()
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Return a copy shifted along `dims`, what falls off the end coming in at the front."""
    if dims is None or dims == ():
        return _roll(reshape(input, -1), shifts=sizes_of((shifts,)), dims=(0,)).reshape(
            input.array.shape
        )
    return _roll(input, shifts=sizes_of((shifts,)), dims=sizes_of((dims,)))


def fold_repeats(g: Tensor, shape: tuple[int, ...], sizes: tuple[int, ...]) -> Tensor:
    """Sum the copies that `repeat` had made."""
    full = (1,) * (len(sizes) - len(shape)) + shape
    split_up = reshape(g, tuple(n for pair in zip(sizes, full) for n in pair))
    return reshape(split_up.sum(tuple(range(0, 2 * len(sizes), 2))), shape) if sizes else g


def repeat(self: Tensor, *sizes: Any) -> Tensor:
    """Return the tensor tiled `sizes` times along its dimensions, new ones in front."""
    counts = sizes_of(sizes)
    if len(counts) < self.array.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    return _repeat(self, sizes=counts)


Tensor.repeat = repeat


@function()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """Return the tensor tiled, the counts padded with ones in front."""
    counts = sizes_of(dims)
    return _repeat(input, sizes=(1,) * (input.array.ndim - len(counts)) + counts)


class _Join:
    """Concatenation of any number of tensors; each gets its part of the gradient."""

    name = "cat"
    fresh = False

    def backward(
        self, node: Any, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        gradient = gradients[0]
        assert gradient is not None
        dim, start, found = node.static["dim"], 0, []
        for need, size in zip(needs, node.static["sizes"]):
            found.append(narrow(gradient, dim, start, size) if need else None)
            start += size
        return found


_join = _Join()


@function(method=False)
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors joined along `dim`; empty one-dimensional ones are left out."""
    from stackgrad.arrays import quiet
    from stackgrad.graph import Node, edge_to, mode

    parts = [t for t in tensors if t.array.shape != (0,)] or list(tensors[:1])
    if not parts:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    place_, where = dim_of(dim, parts[0].array.ndim), parts[0].device
    kinds = {t.array.dtype for t in parts}
    kind = parts[0].array.dtype if len(kinds) == 1 else dtypes.result_type(*parts).numpy
    arrays = [cast(t.array, kind) for t in parts]
    for array in arrays:
        mismatched = [
            i
            for i, (a, b) in enumerate(zip(array.shape, arrays[0].shape))
            if a != b and i != place_
        ]
        if mismatched or array.ndim != arrays[0].ndim:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {place_}: {[tuple(a.shape) for a in arrays]}"
            )
    result = wrap(quiet.run(where.xp.concatenate, arrays, place_), where)
    if mode.enabled and any(t.requires_grad for t in parts):
        static = {"dim": place_, "sizes": [a.shape[place_] for a in arrays]}
        result.node, result.tracked = Node(_join, [edge_to(t) for t in parts], None, static), True
    return result


@function(method=False)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors joined along a new dimension."""
    return cat([unsqueeze(t, dim) for t in tensors], dim_of(dim, tensors[0].array.ndim + 1))


@function()
def repeat_interleave(
    input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None  # noqa: ARG001
) -> Tensor:
    """Return every element along `dim` repeated, all alike or each by its own count."""
    x = reshape(input, -1) if dim is None else input
    place_ = dim_of(-1 if dim is None else dim, x.array.ndim)
    counts = repeats.array if isinstance(repeats, Tensor) else repeats
    index = np.repeat(np.arange(x.array.shape[place_]), counts)
    return x.index_select(place_, wrap(x.device.asarray(index), x.device))


def detached_view(self: Tensor) -> Tensor:
    """Return an alias with a history of its own that starts at this tensor."""
    return _reshape(self, shape=self.array.shape)


Tensor.alias = detached_view

for _name, _call in {
    "concat": cat,
    "concatenate": cat,
    "swapaxes": transpose,
    "swapdims": transpose,
    "moveaxis": movedim,
}.items():
    from stackgrad.ops.table import FUNCTIONS

    FUNCTIONS[_name] = _call
    if _call is not cat:
        setattr(Tensor, _name, _call)


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


for _name, _call in {
    "unsqueeze": unsqueeze,
    "squeeze": squeeze,
    "transpose": transpose,
    "t": t,
}.items():
    setattr(Tensor, f"{_name}_", _write_shape(_call))

__all__ = ["share"]

"""Other types, places and arrangements of the elements: copies."""

# ruff: noqa: ARG005  (every function of the table takes the array module first)
from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.device import Device
from stackgrad.device import device as find_device
from stackgrad.ops.hints import check_hints
from stackgrad.ops.table import Op, attach, function
from stackgrad.ops.views import dim_of, reshape, sizes_of
from stackgrad.tensor import Tensor, wrap

_cast: Op = Op(
    "to", lambda xp, x, *, kind: x.astype(kind), {"x": lambda g, x_kind: g.astype(x_kind)}
)
_clone: Op = Op("clone", lambda xp, x: x.copy(order="K"), {"x": lambda g: g})
_contiguous: Op = Op("contiguous", lambda xp, x: xp.ascontiguousarray(x), {"x": lambda g: g})
_move: Op = Op(
    "to_device",
    lambda xp, x, *, target: target.asarray(x),
    {"x": lambda g, x_device: g.to(x_device)},
)
_flip: Op = Op(
    "flip",
    lambda xp, x, *, dims: xp.flip(x, dims).copy(),
    {"x": lambda g, dims: _flip(g, dims=dims)},
)
_roll: Op = Op(
    "roll",
    lambda xp, x, *, shifts, dims: xp.roll(x, shifts, dims),
    {"x": lambda g, shifts, dims: _roll(g, shifts=tuple(-s for s in shifts), dims=dims)},
)
_repeat: Op = Op(
    "repeat",
    lambda xp, x, *, sizes: xp.tile(x, sizes),
    {"x": lambda g, x_shape, sizes: fold_repeats(g, tuple(x_shape), sizes)},
)


def astype(self: Tensor, kind: Any) -> Tensor:
    """Return the tensor as NumPy dtype `kind`; itself if it has it."""
    kind = np.dtype(kind) if not isinstance(kind, np.dtype) else kind
    return self if self.array.dtype == kind else _cast(self, kind=kind)


attach(astype=astype)


@function()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a copy, through which gradients pass."""
    return contiguous_copy(input) if memory_format == "contiguous_format" else _clone(input)


def contiguous_copy(x: Tensor) -> Tensor:
    """Return a row-major copy."""
    return _clone(x) if x.array.flags.c_contiguous else _contiguous(x)


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor itself if it is row-major, else a row-major copy, whatever the format."""
    check_hints(memory_format=memory_format)
    return self if self.array.flags.c_contiguous else _contiguous(self)


attach(contiguous=contiguous)


def to(
    self: Tensor,
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    other: Tensor | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return the tensor in another dtype or on another device; itself if nothing changes.

    `non_blocking` allows PyTorch not to wait for a copy; the result is the same.
    """
    del non_blocking
    check_hints(memory_format=memory_format)
    target = None if device is None else find_device(device)
    args = args if other is None else (*args, other)
    for position, argument in enumerate(args):
        if isinstance(argument, dtypes.dtype):
            dtype = argument
        elif isinstance(argument, Tensor):
            dtype, target = argument.dtype, argument.device
        elif isinstance(argument, (str, Device)) or (
            isinstance(argument, int) and not isinstance(argument, bool)
        ):
            target = find_device(argument)
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
        from stackgrad.grad_mode import mode
        from stackgrad.graph import edge_to

        if mode.enabled:
            result.node, result.tracked = (
                _move.node([edge_to(x)], (x,), {"target": target}, result),
                True,
            )
    return result


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor in the computer's own memory."""
    return to(self, "cpu", memory_format=memory_format)


def cuda(
    self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Tensor:
    """Return the tensor on a GPU."""
    place = "cuda" if device is None else device
    return to(self, place, non_blocking=non_blocking, memory_format=memory_format)


attach(
    to=to,
    cpu=cpu,
    cuda=cuda,
    type_as=lambda self, other: to(self, other.dtype),
)


def _as(name: str, kind: dtypes.dtype) -> Any:
    def call(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, kind, memory_format=memory_format)

    call.__name__, call.__doc__ = name, f"Return the tensor as {kind.name}."
    return call


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
    setattr(Tensor, _name, _as(_name, _dtype))


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
    split_up = reshape(g, tuple(n for pair in zip(sizes, full, strict=True) for n in pair))
    return reshape(split_up.sum(tuple(range(0, 2 * len(sizes), 2))), shape) if sizes else g


def repeat(self: Tensor, *sizes: Any) -> Tensor:
    """Return the tensor tiled `sizes` times along its dimensions, new ones in front."""
    counts = sizes_of(sizes)
    if len(counts) < self.array.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    return _repeat(self, sizes=counts)


attach(repeat=repeat)


@function()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """Return the tensor tiled, the counts padded with ones in front."""
    counts = sizes_of(dims)
    return _repeat(input, sizes=(1,) * (input.array.ndim - len(counts)) + counts)


@function()
def repeat_interleave(
    input: Tensor,
    repeats: Any,
    dim: int | None = None,
    *,
    output_size: int | None = None,  # noqa: ARG001
) -> Tensor:
    """Return every element along `dim` repeated, all alike or each by its own count."""
    x = reshape(input, -1) if dim is None else input
    place_ = dim_of(-1 if dim is None else dim, x.array.ndim)
    counts = repeats.array if isinstance(repeats, Tensor) else repeats
    index = np.repeat(np.arange(x.array.shape[place_]), counts)
    return x.index_select(place_, wrap(x.device.asarray(index), x.device))

"""New tensors: from data, filled, in sequence, at random."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.arrays import quiet
from stackgrad.device import Device, current
from stackgrad.device import device as find_device
from stackgrad.grad_mode import literal, refuse_capture
from stackgrad.ops.hints import check_hints
from stackgrad.ops.table import attach, function, publish
from stackgrad.ops.views import sizes_of
from stackgrad.tensor import Tensor, wrap

Maker = Callable[..., Tensor]


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return a tensor with a copy of `data`: numbers, nested lists, arrays, tensors."""
    check_hints(layout, pin_memory)
    target = (
        find_device(device)
        if device is not None
        else data.device
        if isinstance(data, Tensor)
        else current()
    )
    array = np.array(_plain(data), order="C")
    if dtype is not None:
        array = array.astype(dtype.numpy)
    elif (
        array.dtype == np.float64
        and not isinstance(data, (np.ndarray, np.generic, Tensor))
        and not _holds_arrays(data)
    ) or (not array.size and isinstance(data, (list, tuple))):
        array = array.astype(dtypes.get_default_dtype().numpy)
    found = wrap(target.asarray(literal(array)), target)
    dtypes.of(array)
    return found.requires_grad_() if requires_grad else found


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        refuse_capture("torch.tensor() copies a tensor")
        return data.device.xp.asnumpy(data.array) if data.is_cuda else data.array
    if isinstance(data, (list, tuple)) and any(isinstance(d, (Tensor, list, tuple)) for d in data):
        return [_plain(d) for d in data]
    return data


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic, Tensor))


@function(method=False)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return a tensor that shares the memory of an array or tensor where it can."""
    if isinstance(data, Tensor):
        return data.to(device, dtype) if device is not None or dtype is not None else data
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(device if device is not None else current(), dtype)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: Any) -> Tensor:
    """Return a tensor that shares the memory of a NumPy array; TypeError for dtypes it has not."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative. Copy it with array.copy()"
        )
    dtypes.of(array)
    return wrap(array, find_device("cpu"))


def _filled(name: str, make: Callable[..., Any]) -> Maker:
    def call(
        *shape: Any,
        size: Any = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        check_hints(layout, pin_memory, memory_format)
        size = shape if size is None else (size,)
        target = current() if device is None else find_device(device)
        kind = (dtype or dtypes.get_default_dtype()).numpy
        found = wrap(quiet.run(make, target.xp, sizes_of(size), kind), target)
        return found.requires_grad_() if requires_grad else found

    return publish(name, call, method=False)


zeros = _filled("zeros", lambda xp, shape, kind: xp.zeros(shape, kind))
ones = _filled("ones", lambda xp, shape, kind: xp.ones(shape, kind))
empty = _filled("empty", lambda xp, shape, kind: xp.empty(shape, kind))


@function(method=False)
def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return a tensor filled with a number."""
    check_hints(layout, pin_memory)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = (dtype or dtypes.of_scalar(value)).numpy
    target = current() if device is None else find_device(device)
    found = wrap(quiet.run(target.xp.full, sizes_of((size,)), value, kind), target)
    return found.requires_grad_() if requires_grad else found


def like(name: str, make: Maker, *parameters: str) -> Callable[..., Tensor]:
    """Return `make` for the shape, dtype and device of a tensor; `parameters` stand between."""

    def call(
        input: Tensor,
        *args: Any,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
        **given: Any,
    ) -> Tensor:
        if unknown := set(given) - set(parameters):
            raise TypeError(f"{name}() got an unexpected keyword argument {min(unknown)!r}")
        check_hints(layout, pin_memory, memory_format)
        where: Device = input.device if device is None else find_device(device)
        kind = dtype or input.dtype
        found = make(input.array.shape, *args, dtype=kind, device=where, **given)
        return found.requires_grad_() if requires_grad else found

    known = [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in parameters]
    call.__signature__ = _with(inspect.signature(call), known)  # type: ignore[attr-defined]
    return publish(name, call, method=False)


def _with(signature: inspect.Signature, known: list[inspect.Parameter]) -> inspect.Signature:
    """Return a signature with `known` after the first parameter in the place of *args and **given."""
    first, *rest = signature.parameters.values()
    rest = [p for p in rest if p.kind is p.KEYWORD_ONLY]
    return signature.replace(parameters=[first, *known, *rest])


def _new(make: Maker) -> Callable[..., Tensor]:
    """Return `make` as a method: dtype and device are those of the tensor."""

    @functools.wraps(make)
    def call(
        self: Tensor, *args: Any, dtype: Any = None, device: Any = None, **options: Any
    ) -> Tensor:
        return make(*args, dtype=dtype or self.dtype, device=device or self.device, **options)

    return call


for _name, _make in {"zeros": zeros, "ones": ones, "empty": empty}.items():
    like(f"{_name}_like", _make)
    setattr(Tensor, f"new_{_name}", _new(_make))
like("full_like", full, "fill_value")
attach(
    new_full=_new(full),
    new_tensor=_new(tensor),
    new=lambda self, *size: empty(*size, dtype=self.dtype, device=self.device),
)


def _sequence(array: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    target = current() if device is None else find_device(device)
    kind = dtype.numpy if dtype is not None else array.dtype
    found = wrap(target.asarray(literal(array.astype(kind))), target)
    return found.requires_grad_() if requires_grad else found


@function(method=False)
def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return the numbers from `start` (0) up to but without `end`, every `step`."""
    check_hints(layout, pin_memory)
    first, last = (0, start) if end is None else (start, end)
    first, last, step = (v.item() if isinstance(v, Tensor) else v for v in (first, last, step))
    if dtype is None:
        dtype = (
            dtypes.get_default_dtype()
            if any(isinstance(v, float) for v in (first, last, step))
            else dtypes.int64
        )
    count = int(np.ceil((last - first) / step))
    if count < 0:
        raise RuntimeError("upper bound and larger bound inconsistent with step sign")
    return _sequence(first + np.arange(count) * step, dtype, device, requires_grad)


@function(method=False)
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return `steps` numbers from `start` to `end`, both included."""
    check_hints(layout, pin_memory)
    dtype = dtype or dtypes.get_default_dtype()
    return _sequence(np.linspace(float(start), float(end), steps), dtype, device, requires_grad)


@function(method=False)
def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return `steps` powers of `base` from base**start to base**end."""
    check_hints(layout, pin_memory)
    dtype = dtype or dtypes.get_default_dtype()
    return _sequence(np.power(base, np.linspace(start, end, steps)), dtype, device, requires_grad)


@function(method=False)
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return a matrix with ones on the diagonal."""
    check_hints(layout, pin_memory)
    return _sequence(np.eye(n, m), dtype or dtypes.get_default_dtype(), device, requires_grad)


@function(method=False)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of the grid that vectors span."""
    axes = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    axes = [a.reshape(-1) for a in axes]
    shape = tuple(a.array.size for a in axes)
    grids = [
        a.reshape((1,) * i + (-1,) + (1,) * (len(axes) - 1 - i)).expand(shape)
        for i, a in enumerate(axes)
    ]
    return tuple(
        grids if indexing == "ij" else [g.transpose(0, 1) if len(axes) > 1 else g for g in grids]
    )


@function(method=False)
def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return the row and column of every element on and below a diagonal."""
    check_hints(layout, pin_memory)
    return _sequence(
        np.stack(np.tril_indices(row, offset, col)), dtype or dtypes.int64, device, False
    )


@function(method=False)
def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return the row and column of every element on and above a diagonal."""
    check_hints(layout, pin_memory)
    return _sequence(
        np.stack(np.triu_indices(row, offset, col)), dtype or dtypes.int64, device, False
    )

"""What a step did: every call on arrays in order, with what it read and what it made.

The tape stands in the place of `arrays.quiet.run`, through which all operations compute. Values get
numbers as they appear. An array that no call made is an argument, lives outside of the step, or was
made from Python numbers alone; two tapes of one step tell which (`program.py`).
"""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stackgrad.arrays import call_directly, quiet
from stackgrad.capture.structure import flatten
from stackgrad.capture.watched import Watched, plain
from stackgrad.grad_mode import mode
from stackgrad.random import Generator
from stackgrad.tensor import Tensor

_PACKAGE = str(Path(__file__).resolve().parents[1])
_PLAIN_TYPES = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


class CaptureError(RuntimeError):
    """A step does what a replay could not repeat; the message names it and the line."""


class Value(NamedTuple):
    """A numbered value in the arguments or the results of a call."""

    number: int


class Array(NamedTuple):
    """What is known of a numbered array: for printing, and to find it again."""

    shape: tuple[int, ...]
    kind: Any
    device: str
    pointer: int
    strides: tuple[int, ...]
    memory: int  # the number of the memory that it lies in; views share it


class Call(NamedTuple):
    """One call: `results = function(*args, **kwargs)`, values replaced by their numbers."""

    function: Callable[..., Any]
    args: Any
    kwargs: dict[str, Any]
    results: Any
    name: str
    line: str
    writes: frozenset[int]  # memories
    repeatable: bool  # whether the same arguments give the same result: no random numbers, no host
    reads_grads_of: Sequence[Tensor] = ()


class Tape:
    """Records one run of a step between `start` and `pause`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.arrays: dict[int, Array] = {}
        self.outside: dict[int, Any] = {}  # arrays that no call made, and objects, by number
        self.arguments: list[int] = []
        self.graded: dict[int, Tensor] = {}  # leaves that got a gradient
        self.result: Any = None  # what the step returned, its tensors taken out
        self.outputs: list[tuple[int, Any]] = []  # values of those tensors, with their devices
        self.left: list[tuple[Tensor, int | None]] = []  # the values of the gradients at the end
        self.failure: CaptureError | None = None
        self._known: dict[int, tuple[Any, int]] = {}
        self._memories: dict[int, tuple[Any, int, int]] = {}  # owner, memory, its first value
        self._count = self._memory_count = 0
        self._originals: dict[int, tuple[Any, Any]] = {}

    # ---- around the run

    def start(self) -> None:
        """Stand in the door of this thread."""
        self._run = quiet.run
        self.resume()

    def end(self, result: Any) -> None:
        """Name what the step returned and the gradients that it left."""
        tensors: list[Tensor] = []
        self.result = flatten(result, tensors)
        self.outputs = [(self.find(tensor.array).number, tensor.device) for tensor in tensors]
        self.left = [
            (leaf, None if leaf.grad is None else self.find(leaf.grad.array).number)
            for leaf in self.graded.values()
        ]

    def pause(self) -> None:
        """Let calls through unrecorded."""
        mode.tape, quiet.run = None, self._run

    def resume(self) -> None:
        """Record again."""
        mode.tape, quiet.run = self, self.call

    def refuse(self, what: str) -> None:
        """Raise CaptureError: the step does `what`, which a replay could not know."""
        self.failure = CaptureError(
            f"a captured step cannot be replayed: {what} at {self.place()}. "
            "Return the tensor and read it after the call, or choose by `torch.where`"
        )
        raise self.failure

    # ---- calls

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `function` and record it."""
        for cell in getattr(function, "__closure__", None) or ():
            if isinstance(cell.cell_contents, (np.ndarray, Tensor)):
                self.refuse(f"{label(function)} reads a tensor that it was not given")
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ndarray):
            args, function = (owner, *args), getattr(np.ndarray, function.__name__)
        read = self._fold(args), {key: self._fold(value) for key, value in kwargs.items()}
        self.pause()
        quiet.run = call_directly
        try:
            result = self._run(
                function, *plain(args), **{key: plain(value) for key, value in kwargs.items()}
            )
        finally:
            self.resume()
        out = kwargs.get("out")
        checks = getattr(function, "checks", False)
        touched = out if out is not None else args if result is None and not checks else ()
        if function is operator.setitem:
            touched = args[:1]
        writes = frozenset(self.arrays[n].memory for n in numbers(self._fold(touched)))
        if result is None and not (writes or checks):
            return None
        name, of_arrays = label(function), any(True for _ in numbers(read))
        if not of_arrays and isinstance(result, np.generic):
            return result  # a number of Python as one of NumPy
        if of_arrays and result.__class__ in (bool, int, float, str, bytes):
            self.refuse(f"Python gets a value from {name}()")
        if _has_numbers(result):
            read = (function, *read[0]), read[1]
            function, result = with_arrays, _as_arrays(result)
        found, results = (out, self._fold(out)) if out is not None else self._keep(result)
        drawn = checks or any(isinstance(a, Generator) for a in (*args, *kwargs.values()))
        if drawn or writes or any(True for _ in numbers(results)):
            self.calls.append(Call(function, *read, results, name, self.place(), writes, not drawn))
        return found

    def literal(self, array: Any) -> Any:
        """Return an array of Python's numbers, known from now on; its bytes are compared between runs."""
        owner = owner_of(array)
        memory = self._memories.get(id(owner))
        if isinstance(array, Watched) or (memory is not None and memory[0]() is owner):
            return array
        return self.call(_literal, array.tobytes(), array.dtype, array.shape)

    def host(self, method: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a method that keeps numbers of its own (an optimizer's step), to be called at every replay.

        It reads the gradients of the optimizers among its arguments, and tensors given to it.
        """
        if any(callable(argument) for argument in (*args[1:], *kwargs.values())):
            self.refuse(f"{type(args[0]).__name__}.{method.__name__} is given a closure")
        leaves = [
            parameter
            for optimizer in args
            for group in getattr(optimizer, "param_groups", ())
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        tensors: list[Tensor] = []
        given = flatten((args, kwargs), tensors)
        read = [self._bare(tensor) for tensor in [leaf.grad for leaf in leaves] + tensors]
        place = self.place()
        self.pause()
        try:
            result = method(*args, **kwargs)
        finally:
            self.resume()
        name = f"{type(args[0]).__name__}.{method.__name__}"
        memories = frozenset(self.arrays[value.number].memory for value in read)
        self.calls.append(
            Call(method, read, {"": given}, None, name, place, memories, False, leaves)
        )
        return result

    def _bare(self, tensor: Any) -> Value:
        """Give a tensor its array unwatched, and return its value."""
        value = self.find(tensor.array)
        tensor.array = plain(tensor.array)
        return self._name(tensor.array, value)

    # ---- values

    def find(self, array: Any) -> Value:
        """Return the value that `array` is; one from outside where no call made it."""
        known = self._known.get(id(array))
        if known is not None and known[0]() is array:
            return Value(known[1])
        owner = owner_of(array)
        memory = self._memories.get(id(owner))
        if memory is None or memory[0]() is not owner:
            original = self._originals.get(id(array))
            if original is None and isinstance(array, Watched) and array.tape is self:
                self.find(self._watched_base(array))
                return self.find(array)
            value = self._name(array, None)
            self.outside[value.number] = plain(array) if original is None else original[1]
            return value
        home = self.arrays[memory[2]]
        shift = pointer(array) - home.pointer
        value = self._name(array, None)
        read = (Value(memory[2]), shift, array.shape, array.strides, array.dtype)
        self.calls.append(
            Call(view_of_memory, read, {}, value, "view", self.place(), frozenset(), True)
        )
        return value

    def _watched_base(self, array: Any) -> Any:
        """Return the array from outside that `array` is a view of."""
        base = array.base
        while base is not None and id(base) not in self._originals:
            base = getattr(base, "base", None)
        if base is None:
            self.refuse("an array is computed beside the operations")
        return base

    def argument(self, array: Any) -> Any:
        """Make `array` an argument of the step, and return it watched."""
        seen = watched(array, self)
        self.arguments.append(self._name(seen, None).number)
        return seen

    def watch(self, array: Any) -> Any:
        """Return an array from outside of the step watched."""
        seen = watched(array, self)
        self._originals[id(seen)] = (seen, array)
        return seen

    def _name(self, array: Any, value: Value | None) -> Value:
        """Give `array` a number of its own, or that of `value`."""
        if value is None:
            value = Value(self._count)
            self._count += 1
            owner = owner_of(array)
            memory = self._memories.get(id(owner))
            if memory is None or memory[0]() is not owner:
                self._memory_count += 1
                memory = (weakref.ref(owner), self._memory_count, value.number)
                self._memories[id(owner)] = memory
            device = "cpu" if isinstance(array, np.ndarray) else f"cuda:{array.device.id}"
            self.arrays[value.number] = Array(
                array.shape, array.dtype, device, pointer(array), array.strides, memory[1]
            )
        self._known[id(array)] = (weakref.ref(array), value.number)
        return value

    def _fold(self, value: Any) -> Any:
        """Replace the arrays in `value` by their numbers."""
        kind = value.__class__
        if isinstance(value, np.ndarray) or hasattr(value, "__cuda_array_interface__"):
            return self.find(value)
        if kind in _PLAIN_TYPES:
            return value
        if isinstance(value, (tuple, list)):
            parts = [self._fold(v) for v in value]
            if hasattr(value, "_fields"):
                return kind(*parts)
            return tuple(parts) if isinstance(value, tuple) else parts
        known = self._known.get(id(value))
        return Value(known[1]) if known is not None and known[0]() is value else value

    def _keep(self, result: Any) -> tuple[Any, Any]:
        """Return a result with its arrays watched, and with its arrays replaced by numbers."""
        if isinstance(result, np.ndarray) or hasattr(result, "__cuda_array_interface__"):
            seen = watched(result, self)
            return seen, self._name(seen, None)
        if isinstance(result, (tuple, list)):
            pairs = [self._keep(r) for r in result]
            return tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        if not isinstance(result, _PLAIN_TYPES):
            value = Value(self._count)
            self._count += 1
            self._known[id(result)] = (lambda: result, value.number)
            return result, value
        return result, result

    # ---- places

    def place(self) -> str:
        """Return file and line of the step's own code that is running."""
        frame = sys._getframe(1)  # noqa: SLF001
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def numbers(values: Any) -> Iterator[int]:
    """Yield the numbers of the values in a structure of tuples, lists and dicts."""
    if isinstance(values, Value):
        yield values.number
    elif isinstance(values, (tuple, list)):
        for value in values:
            yield from numbers(value)
    elif isinstance(values, dict):
        for value in values.values():
            yield from numbers(value)


def label(function: Callable[..., Any]) -> str:
    """Return the name under which a call is printed."""
    short = getattr(function, "__name__", "call")
    name = str(getattr(function, "__qualname__", short))
    return name.rpartition("<locals>.")[2].removeprefix("ndarray.").lstrip("_")


def watched(array: Any, tape: Tape) -> Any:
    """Return a view of a NumPy array that reports to `tape`; arrays of a GPU as they are."""
    if not isinstance(array, np.ndarray):
        return array
    seen = array.view(Watched)
    seen.tape, seen.owns = tape, array.base is None
    return seen


def _literal(data: bytes, kind: Any, shape: tuple[int, ...]) -> Any:
    return np.frombuffer(data, kind).reshape(shape).copy()


def with_arrays(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `function` and return its numbers as arrays without dimensions."""
    return _as_arrays(function(*args, **kwargs))


def _as_arrays(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return tuple(_as_arrays(r) for r in result)
    return np.asarray(result) if isinstance(result, np.generic) else result


def _has_numbers(result: Any) -> bool:
    if isinstance(result, (tuple, list)):
        return any(_has_numbers(r) for r in result)
    return isinstance(result, np.generic)


def owner_of(array: Any) -> Any:
    """Return the array that owns the memory of `array`."""
    base = array.base
    while base is not None:
        if isinstance(base, memoryview):
            base = base.obj
        elif not hasattr(base, "base"):
            break
        elif isinstance(base, (type(array), np.ndarray)):
            array, base = base, base.base
        else:  # what `as_strided` puts between a view and its array
            base = base.base
    return array


def pointer(array: Any) -> int:
    """Return the address of the first element."""
    if isinstance(array, np.ndarray):
        return int(array.ctypes.data) if array.size else 0
    return int(array.data.ptr)


def view_of_memory(
    home: Any, shift: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: Any
) -> Any:
    """Return the view that begins `shift` bytes after `home` in the memory that both lie in."""
    owner = owner_of(home)
    start = pointer(home) - pointer(owner) + shift
    if not isinstance(home, np.ndarray):
        return type(home)(shape, kind, owner.data + start, strides)
    if 0 in shape:
        return np.empty(shape, kind)
    whole = owner.transpose(np.argsort([-step for step in owner.strides], kind="stable"))
    return np.ndarray(shape, kind, whole, start, strides)

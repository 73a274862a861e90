"""What a captured step depends on besides tensors: its arguments' form, and what its code refers to."""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from stackgrad import amp, dtypes
from stackgrad.capture.structure import flatten
from stackgrad.grad_mode import mode
from stackgrad.nn.module import Module
from stackgrad.optim.lr_scheduler import LRScheduler
from stackgrad.optim.optimizer import Optimizer
from stackgrad.tensor import Tensor

_NUMBERS = (bool, int, float, str, bytes, type(None))
_DEPTH, _MANY = 6, 1000


def form_of(args: Any, kwargs: Any) -> tuple[Any, list[Tensor], list[Any]]:
    """Return what recordings are told apart by, the tensors of the arguments, and other objects among them."""
    tensors: list[Tensor] = []
    skeleton = flatten((args, kwargs), tensors)
    objects: list[Any] = []
    seen: dict[int, int] = {}
    parts = [
        (
            array.shape,
            array.dtype,
            tensor.device,
            tensor.tracked,
            getattr(array, "strides", None),
            seen.setdefault(id(array), place),
        )
        for place, tensor in enumerate(tensors)
        for array in (tensor.array,)
    ]
    around = mode.enabled, amp.state.dtype, dtypes.get_default_dtype()
    return (_hashable(skeleton, objects), tuple(parts), around), tensors, objects


def _hashable(value: Any, objects: list[Any]) -> Any:
    if isinstance(value, (tuple, list)):
        return (type(value), *(_hashable(v, objects) for v in value))
    if isinstance(value, dict):
        return (dict, *((key, _hashable(v, objects)) for key, v in value.items()))
    if isinstance(value, _NUMBERS):
        return type(value), value
    objects.append(value)
    return type(value), id(value)


class Guards:
    """What a step's code refers to: numbers and flags, which tell recordings apart, and objects."""

    def __init__(self, step: Callable[..., Any], objects: list[Any]) -> None:
        self.tensors: list[Tensor] = []
        self._numbers: list[tuple[dict[str, Any], str]] = []
        self._cells: list[Any] = []
        self._objects: list[tuple[Callable[[], Any], Any]] = []
        self._seen: dict[int, Any] = {}
        for value in (step, *objects):
            self._visit(value, _DEPTH)
        self.tensors = list({id(t): t for t in self.tensors}.values())
        self.leaves = [t for t in self.tensors if t.tracked and t.node is None]

    def numbers(self) -> tuple[Any, ...]:
        """Return the numbers and flags as they are now."""
        named = [namespace.get(name) for namespace, name in self._numbers]
        return (*named, *[cell.cell_contents for cell in self._cells])

    def names(self) -> list[str]:
        """Return what the numbers are called, in the same order."""
        return [name for _, name in self._numbers] + ["a variable of the step"] * len(self._cells)

    def changed(self) -> bool:
        """Whether the step refers to other objects now."""
        return any(read() is not was for read, was in self._objects)

    def _visit(self, value: Any, depth: int) -> None:
        skipped = isinstance(value, (types.ModuleType, type, Optimizer, LRScheduler, np.ndarray))
        if id(value) in self._seen or not depth or skipped:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            self.tensors.append(value)
        elif isinstance(value, Module):
            for module in value.modules():
                self._visit_attributes(module, 2)
            self.tensors += [*value.parameters(), *value.buffers()]
        elif isinstance(value, types.FunctionType):
            self._visit_function(value, depth)
        elif isinstance(value, types.MethodType):
            self._visit(value.__func__, depth)
            self._visit(value.__self__, depth)
        elif isinstance(value, (list, tuple, dict)):
            for part in [*(value.values() if isinstance(value, dict) else value)][:_MANY]:
                self._visit(part, depth - 1)
        elif hasattr(value, "__dict__") and not type(value).__module__.startswith(
            __package__ or ""
        ):
            self._visit_attributes(value, depth)

    def _visit_function(self, function: types.FunctionType, depth: int) -> None:
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # not yet assigned
                continue
            if isinstance(value, _NUMBERS):
                self._cells.append(cell)
            else:
                self._objects.append((functools.partial(getattr, cell, "cell_contents"), value))
                self._visit(value, depth - 1)
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._visit(value, depth - 1)
        for name in {*_global_names(function.__code__)} & function.__globals__.keys():
            self._visit_name(function.__globals__, name, depth)

    def _visit_attributes(self, owner: Any, depth: int) -> None:
        for name in list(vars(owner)):
            self._visit_name(vars(owner), name, depth)

    def _visit_name(self, namespace: dict[str, Any], name: str, depth: int) -> None:
        value = namespace[name]
        if isinstance(value, _NUMBERS):
            self._numbers.append((namespace, name))
        elif not name.startswith("__"):
            if not isinstance(value, (dict, types.ModuleType, type)):
                self._objects.append((functools.partial(namespace.get, name), value))
            self._visit(value, depth - 1)


def _global_names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)

"""What a captured step depends on besides tensors: its arguments' form, and what its code refers to."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from stackgrad import amp, dtypes
from stackgrad.capture.structure import flatten
from stackgrad.grad_mode import mode
from stackgrad.nn.module import Module
from stackgrad.optim.optimizer import Optimizer
from stackgrad.tensor import Tensor

_NUMBERS = (bool, int, float, str, bytes, type(None))
_DEPTH = 6


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
    """The numbers and flags that a step's code refers to, as they were when it was recorded."""

    def __init__(self, step: Callable[..., Any], objects: list[Any]) -> None:
        self.tensors: list[Tensor] = []
        self._read: list[tuple[Callable[[], Any], Any]] = []
        self._seen: set[int] = set()
        self._kept = objects
        for value in (step, *objects):
            self._visit(value, _DEPTH)

    def changed(self) -> bool:
        """Whether one of them is another now."""
        return any(read() != was for read, was in self._read)

    def _visit(self, value: Any, depth: int) -> None:
        if id(value) in self._seen or not depth or isinstance(value, (types.ModuleType, type)):
            return
        self._seen.add(id(value))
        if isinstance(value, Tensor):
            self.tensors.append(value)
        elif isinstance(value, Module):
            for module in value.modules():
                self._watch_attribute(module, "training")
                self._visit_attributes(module, 1)
            self.tensors += [*value.parameters(), *value.buffers()]
        elif isinstance(value, types.FunctionType):
            for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                self._visit_cell(name, cell, depth)
            for name in _global_names(value.__code__):
                if name in value.__globals__:
                    self._visit_item(value.__globals__, name, depth)
        elif isinstance(value, types.MethodType):
            self._visit(value.__func__, depth)
            self._visit(value.__self__, depth)
        elif isinstance(value, (list, tuple)):
            for part in value[:1000]:
                self._visit(part, depth - 1)
        elif isinstance(value, dict):
            for part in list(value.values())[:1000]:
                self._visit(part, depth - 1)
        elif not isinstance(value, (Optimizer, np.ndarray)) and hasattr(value, "__dict__"):
            self._visit_attributes(value, depth)

    def _visit_cell(self, name: str, cell: Any, depth: int) -> None:  # noqa: ARG002
        try:
            value = cell.cell_contents
        except ValueError:  # not yet assigned
            return
        if isinstance(value, _NUMBERS):
            self._read.append((lambda: cell.cell_contents, value))
        else:
            self._visit(value, depth - 1)

    def _visit_item(self, namespace: dict[str, Any], name: str, depth: int) -> None:
        value = namespace[name]
        if isinstance(value, _NUMBERS):
            self._read.append((lambda: namespace.get(name), value))
        elif not getattr(value, "__module__", "").startswith("stackgrad"):
            self._visit(value, depth - 1)
        elif isinstance(value, (Tensor, Module)) or hasattr(value, "__dict__"):
            self._visit(value, 2)

    def _watch_attribute(self, owner: Any, name: str) -> None:
        value = getattr(owner, name, None)
        if isinstance(value, _NUMBERS):
            self._read.append((lambda: getattr(owner, name, None), value))

    def _visit_attributes(self, owner: Any, depth: int) -> None:
        for name, value in list(vars(owner).items()):
            if isinstance(value, _NUMBERS):
                self._watch_attribute(owner, name)
            elif not name.startswith("__"):
                self._visit(value, depth - 1)


def _global_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)

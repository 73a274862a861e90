"""A program as Python source: one line per call, every value freed where it is last read."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stackgrad.capture.structure import rebuild
from stackgrad.capture.tape import Call, Value, label, numbers
from stackgrad.device import Device
from stackgrad.tensor import Tensor, wrap

Left = Sequence[
    tuple[Tensor, int | None]
]  # leaves, each with the value that its gradient has at the end


class Writer:
    """Collects the lines of a function `step` and the objects that they name."""

    def __init__(self, arguments: Sequence[int], fixed: Mapping[int, Any]) -> None:
        self.names: dict[str, Any] = {f"v{n}": value for n, value in fixed.items()}
        self.names |= {"xp": np, "step": None}
        self.lines = [f"def step({', '.join(f'v{n}' for n in arguments)}):"]
        self._given = {id(np): "xp"}

    def add(self, line: str) -> None:
        """Append a line to the function."""
        self.lines.append(f"    {line}")

    def name(self, value: Any, wish: str) -> str:
        """Return the name of an object, which is `wish` if that is free."""
        found = self._given.get(id(value))
        if found is None:
            wish = re.sub(r"\W", "_", wish).strip("_") or "call"
            taken = wish in self.names or keyword.iskeyword(wish)
            found = f"{wish}_{len(self._given)}" if taken else wish
            self._given[id(value)], self.names[found] = found, value
        return found

    def write(self, value: Any) -> str:
        """Return an argument as an expression."""
        if value.__class__ is Value:
            return f"v{value.number}"
        if value is None or value.__class__ in (bool, int, str):
            return repr(value)
        if value.__class__ in (tuple, list) and any(True for _ in numbers(value)):
            inner = ", ".join(self.write(v) for v in value)
            return f"({inner},)" if value.__class__ is tuple else f"[{inner}]"
        return self.name(value, label(value) if callable(value) else "constant")

    def call(self, call: Call) -> None:
        """Write a call."""
        if "" in call.kwargs:
            self.add(
                f"{self.name(_host(call), call.name)}({', '.join(map(self.write, call.args))})"
            )
            return
        given = [self.write(v) for v in call.args]
        given += [f"{key}={self.write(v)}" for key, v in call.kwargs.items()]
        results = None if call.kwargs.get("out") is not None else _targets(call.results)
        line = f"{self.name(call.function, call.name)}({', '.join(given)})"
        self.add(line if results is None else f"{results} = {line}")

    def source(self) -> str:
        """Return what was written."""
        return "\n".join(self.lines)


def write_program(
    writer: Writer, calls: Sequence[Call], left: Left, outputs: Sequence[int]
) -> None:
    """Write `calls`, and after them the gradients and the results."""
    kept = {*outputs, *(number for _, number in left)}
    last = {n: i for i, call in enumerate(calls) for n in numbers((call.args, call.kwargs))}
    local = {n for call in calls for n in numbers(call.results)}
    for place, call in enumerate(calls):
        writer.call(call)
        touched = {*numbers((call.args, call.kwargs, call.results))} & local - kept
        if ended := sorted(n for n in touched if last.get(n, place) == place):
            writer.add(f"del {', '.join(f'v{n}' for n in ended)}")
    by_host = {
        (id(leaf), value.number)
        for call in calls
        for leaf, value in zip(call.reads_grads_of, call.args, strict=False)
    }
    for leaf, gradient in left:
        if (id(leaf), gradient) not in by_host:
            value = "None" if gradient is None else f"v{gradient}"
            writer.add(f"{writer.name(_leave(leaf), 'leave')}({value})")
    writer.add(f"return ({''.join(f'v{n}, ' for n in outputs)})")


def device_of(array: Any) -> Device:
    """Return the device on which an array lies."""
    return Device("cpu") if isinstance(array, np.ndarray) else Device(f"cuda:{array.device.id}")


def _host(call: Call) -> Callable[..., None]:
    """Return a function of what the host reads: the gradients of leaves, and tensors that it was given."""
    leaves, given = list(call.reads_grads_of), call.kwargs[""]

    def run(*values: Any) -> None:
        tensors = [wrap(value, device_of(value)) for value in values]
        for leaf, gradient in zip(leaves, tensors, strict=False):
            leaf.grad = gradient
        args, kwargs = rebuild(given, tensors[len(leaves) :])
        call.function(*args, **kwargs)

    return run


def _leave(leaf: Tensor) -> Callable[[Any], None]:
    """Return a function that gives a leaf its gradient."""

    def leave(array: Any) -> None:
        leaf.grad = None if array is None else wrap(array, leaf.device)

    return leave


def _targets(results: Any) -> str | None:
    """Return what stands left of the assignment; None where there is nothing."""
    if not any(True for _ in numbers(results)):
        return None
    if results.__class__ is Value:
        return f"v{results.number}"
    return f"({''.join((_targets(r) or '_') + ', ' for r in results)})"

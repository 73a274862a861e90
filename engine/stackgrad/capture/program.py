"""A recorded step as a program: one line per call, every value freed where it is last read."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from stackgrad.arrays import call_directly, quiet
from stackgrad.capture.agreement import constants
from stackgrad.capture.optimization import drop_dead, drop_repeated
from stackgrad.capture.structure import flatten, rebuild
from stackgrad.capture.tape import Array, Call, CaptureError, Tape, Value, label, numbers
from stackgrad.device import Device
from stackgrad.graph import RELEASED
from stackgrad.tensor import Tensor, wrap


class Program:
    """Repeats a step on other arguments: the same calls, in the same order, without the graph.

    `calls` are those that are left; `arrays` tells shapes, types and devices by number; `source` is the
    program as Python. `dropped` counts what was left out: repeated calls, dead calls.
    """

    def __init__(self, before: Tape, tape: Tape, result: Any) -> None:
        self.arrays: dict[int, Array] = tape.arrays
        self.arguments = tape.arguments
        tensors: list[Tensor] = []
        self._result = flatten(result, tensors)
        for tensor in tensors:
            _refuse_unfinished(tensor)
        self.outputs = [tape.find(tensor.array).number for tensor in tensors]
        self._places = [tensor.device for tensor in tensors]
        fixed = constants(before, tape)
        self.outside = {n: made for n, made in tape.outside.items() if n not in fixed}
        self.leaves = list(tape.graded.values())
        self._grads = _gradients_left(tape, self.leaves)
        wanted = {*self.outputs, *(n for _, n in self._grads if n is not None)}
        apart = {self.arrays[n].memory for n in wanted}
        lasting = {*self.outside, *tape.arguments}
        calls, repeated = drop_repeated(tape.calls, self.arrays, apart)
        self.calls = drop_dead(calls, self.arrays, wanted, lasting)
        self.dropped = repeated, len(calls) - len(self.calls)
        written = {memory for call in self.calls for memory in call.writes}
        self._constants = {
            n: (made, isinstance(made, np.ndarray) and self.arrays[n].memory in written)
            for n, made in fixed.items()
        }
        self._holders = [
            (tensor, tensor.array, tensor.tracked) for tensor in holders(self.outside.values())
        ]
        touched = {id(self.outside[n]) for n in self.outside if self.arrays[n].memory in written}
        self._versions = [t.version for t, array, _ in self._holders if id(array) in touched]
        self.source, names = _write_program(self, tensors)
        exec(compile(self.source, "<captured step>", "exec"), names)  # noqa: S102
        self._run: Callable[..., tuple[Any, ...]] = names["step"]

    def holds(self) -> bool:
        """Whether the tensors outside still have the memory that was recorded."""
        return all(t.array is array and t.tracked is tracked for t, array, tracked in self._holders)

    def replay(self, arrays: Iterable[Any]) -> Any:
        """Run the program on the arrays of the arguments; return what the step returned."""
        run = quiet.run
        quiet.run = call_directly
        try:
            found = run(self._run, *arrays)
        finally:
            quiet.run = run
        for version in self._versions:
            version[0] += 1
        tensors = [wrap(a, where) for a, where in zip(found, self._places, strict=True)]
        return rebuild(self._result, tensors)


def _refuse_unfinished(tensor: Tensor) -> None:
    node = tensor.grad_fn
    if node is not None and node.saved is not RELEASED:
        raise CaptureError(
            "a captured step returns a tensor whose backward pass it did not run: call backward() in "
            "the step, return tensor.detach(), or capture under no_grad()"
        )


def _gradients_left(tape: Tape, leaves: list[Tensor]) -> list[tuple[Tensor, int | None]]:
    """Return the leaves with the value of the gradient that the step leaves them."""
    return [
        (leaf, None if leaf.grad is None else tape.find(leaf.grad.array).number) for leaf in leaves
    ]


def holders(arrays: Iterable[Any]) -> list[Tensor]:
    """Return the tensors that hold one of `arrays`."""
    wanted = {id(a): a for a in arrays if hasattr(a, "shape")}
    return (
        [
            found
            for found in gc.get_referrers(*wanted.values())
            if isinstance(found, Tensor) and id(getattr(found, "array", None)) in wanted
        ]
        if wanted
        else []
    )


def _host_call(call: Call, device_of: Any) -> Callable[..., None]:
    """Return a function of the values that `call` reads: gradients of leaves, and tensors given."""
    leaves, given = list(call.reads_grads_of), call.kwargs[""]
    places = [leaf.device for leaf in leaves]
    count = len(leaves)

    def run(*values: Any) -> None:
        for leaf, value, place in zip(leaves, values, places, strict=False):
            leaf.grad = wrap(value, place)
        args, kwargs = rebuild(given, [wrap(value, device_of(value)) for value in values[count:]])
        call.function(*args, **kwargs)

    return run


def _device_of(array: Any) -> Device:
    return Device("cpu") if isinstance(array, np.ndarray) else Device(f"cuda:{array.device.id}")


def _leave(leaf: Tensor) -> Callable[[Any], None]:
    device = leaf.device

    def leave(array: Any) -> None:
        leaf.grad = None if array is None else wrap(array, device)

    return leave


def _write_program(program: Program, _: Any) -> tuple[str, dict[str, Any]]:
    """Return the program as Python source, and the names that it uses."""
    names: dict[str, Any] = {"xp": np}
    given = {id(np): "xp"}
    for number, value in program.outside.items():
        names[f"v{number}"] = value
    for number, (value, written) in program._constants.items():  # noqa: SLF001
        names[f"{'c' if written else 'v'}{number}"] = value

    def name(value: Any, what: str) -> str:
        found = given.get(id(value))
        if found is None:
            found = what if what not in names else f"{what}_{len(given)}"
            given[id(value)], names[found] = found, value
        return found

    def write(value: Any) -> str:
        if value.__class__ is Value:
            return f"v{value.number}"
        if value is None or value.__class__ in (bool, int, str):
            return repr(value)
        if value.__class__ in (tuple, list) and any(True for _ in numbers(value)):
            inner = ", ".join(write(v) for v in value)
            return f"({inner},)" if value.__class__ is tuple else f"[{inner}]"
        return name(value, _identifier(label(value)) if callable(value) else "constant")

    made = [f"a{n}" for n in range(len(program.arguments))]
    lines = [f"def step({', '.join(f'v{n}' for n in program.arguments)}):"]
    lines += [
        f"    v{n} = c{n}.copy()"
        for n, (_, written) in program._constants.items()
        if written
    ]
    fresh = [leaf for leaf, n in program._grads if n not in program.outside]  # noqa: SLF001
    if fresh:
        names["drop"] = lambda: [setattr(leaf, "grad", None) for leaf in fresh]
        lines.append("    drop()")
    final = {number: leaf for leaf, number in program._grads if number is not None}  # noqa: SLF001
    kept = {*program.outputs, *final}
    last = {n: i for i, call in enumerate(program.calls) for n in numbers((call.args, call.kwargs))}
    local = {n for call in program.calls for n in numbers(call.results)}
    for place, call in enumerate(program.calls):
        if "" in call.kwargs:
            made = [write(v) for v in call.args]
            lines.append(f"    {name(_host_call(call, _device_of), _identifier(call.name))}({', '.join(made)})")
        else:
            made = [write(v) for v in call.args]
            made += [f"{key}={write(v)}" for key, v in call.kwargs.items()]
            results = _targets(call.results)
            writes = call.kwargs.get("out") is not None or results is None
            lines.append(
                f"    {'' if writes else f'{results} = '}{name(call.function, _identifier(call.name))}({', '.join(made)})"
            )
        ended = {n for n in numbers((call.args, call.kwargs, call.results)) if n in local}
        ended = {n for n in ended if last.get(n, place) == place} - kept
        if ended:
            lines.append(f"    del {', '.join(f'v{n}' for n in sorted(ended))}")
    for leaf, number in program._grads:  # noqa: SLF001
        if number not in program.outside:
            lines.append(
                f"    {name(_leave(leaf), 'leave')}({write(None if number is None else Value(number))})"
            )
    lines.append(f"    return ({''.join(f'v{n}, ' for n in program.outputs)})")
    return "\n".join(lines), names


def _identifier(text: str) -> str:
    return re.sub(r"\W", "_", text).strip("_") or "call"


def _targets(results: Any) -> str | None:
    """Return what stands left of the assignment; None where there is nothing."""
    if not any(True for _ in numbers(results)):
        return None
    if results.__class__ is Value:
        return f"v{results.number}"
    if isinstance(results, (tuple, list)):
        return f"({''.join((_targets(r) or '_') + ', ' for r in results)})"
    return "_"

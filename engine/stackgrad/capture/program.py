"""A recorded step, ready to be repeated on other arguments."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stackgrad.arrays import call_directly, quiet
from stackgrad.capture.optimization import drop_dead, drop_repeated, fold_constants
from stackgrad.capture.structure import rebuild
from stackgrad.capture.tape import Array, Tape, numbers
from stackgrad.capture.writing import Left, Writer, write_program
from stackgrad.drawing import Drawn, as_dot, as_text, outline
from stackgrad.tensor import Tensor, wrap


class Program:
    """The calls of a step, in order, without the graph.

    `calls` are those that are left; `arrays` tells shapes, types and devices by number; `source` is the
    program as Python; `dropped` counts what was left out: repeated calls, dead calls.
    """

    def __init__(self, tape: Tape, *, compiled: bool = True) -> None:
        self.arrays: dict[int, Array] = tape.arrays
        self._result, left = tape.result, tape.left
        self.outputs = [number for number, _ in tape.outputs]
        self._places = [device for _, device in tape.outputs]
        self.outside = dict(tape.outside)
        self._optimize(tape, compiled, {*self.outputs, *(n for _, n in left if n is not None)})
        self._unmade = dict.fromkeys(tape.arguments, "argument")
        self._unmade |= dict.fromkeys(tape.outside, "outside")
        self._unmade |= dict.fromkeys(self.constants, "constant")
        self.reads = [n in self._read for n in tape.arguments]
        self.arguments = [n for n in tape.arguments if n in self._read]
        self._dropped_grads = [leaf for leaf, n in left if n not in self.arguments]
        self._holders = [
            (tensor, tensor.array, tensor.tracked) for tensor in holders(self.outside.values())
        ]
        if compiled:
            self._compile(left)

    def _compile(self, left: Left) -> None:
        writer = Writer(self.arguments, {**self.constants, **self.outside})
        write_program(writer, self.calls, left, self.outputs)
        self.source = writer.source()
        touched = {id(a) for n, a in self.outside.items() if self._is_written(n)}
        self._versions = [t.version for t, array, _ in self._holders if id(array) in touched]
        exec(compile(self.source, "<captured step>", "exec"), writer.names)  # noqa: S102
        self._run: Callable[..., tuple[Any, ...]] = writer.names["step"]

    def _optimize(self, tape: Tape, compiled: bool, wanted: set[int]) -> None:
        apart = {self.arrays[n].memory for n in wanted}
        calls, repeated = drop_repeated(tape.calls, self.arrays, apart, wanted)
        self.constants: dict[int, Any] = {}
        if compiled:
            calls, self.constants = fold_constants(calls, self.arrays, apart)
        self.calls = drop_dead(calls, self.arrays, wanted, {*self.outside, *tape.arguments})
        self.dropped = repeated, len(calls) - len(self.calls)
        self._written = {memory for call in self.calls for memory in call.writes}
        self._read = {n for call in self.calls for n in numbers((call.args, call.kwargs))} | wanted

    def _is_written(self, number: int) -> bool:
        return number in self.arrays and self.arrays[number].memory in self._written

    def nodes(self) -> list[Drawn]:
        """Return the calls with what they read and make; arguments and what lies outside come first."""
        made_by: dict[int, int] = {}
        found: list[Drawn] = []
        fixed = [n for n in self._read if n in self._unmade]
        for number in sorted(fixed):
            made_by[number] = len(found)
            what = "argument" if number in self.arguments else self._unmade[number]
            found.append(Drawn(len(found), what, [], self._outlines([number])))
        for call in self.calls:
            read = dict.fromkeys(made_by[n] for n in numbers((call.args, call.kwargs)))
            results = list(numbers(call.results))
            found.append(
                Drawn(len(found), call.name, list(read), self._outlines(results), call.line)
            )
            made_by.update(dict.fromkeys(results, found[-1].key))
        return found

    def _outlines(self, values: Iterable[int]) -> list[str]:
        return [outline(*self.arrays[n][:3]) for n in values if n in self.arrays]

    def __str__(self) -> str:
        return as_text(self.nodes())

    def dot(self) -> str:
        """Return the graph as DOT, which Graphviz draws."""
        return as_dot(self.nodes())

    def holds(self) -> bool:
        """Whether the tensors outside still have the memory that was recorded."""
        return all(t.array is array and t.tracked is tracked for t, array, tracked in self._holders)

    def replay(self, arrays: Sequence[Any]) -> Any:
        """Run the program on the arrays of the arguments; return what the step returned."""
        given = [array for array, read in zip(arrays, self.reads, strict=True) if read]
        del arrays
        for leaf in self._dropped_grads:
            leaf.grad = None
        run, quiet.run = quiet.run, call_directly
        try:
            found = run(self._run, *given)
        finally:
            quiet.run = run
        for version in self._versions:
            version[0] += 1
        tensors = [wrap(a, where) for a, where in zip(found, self._places, strict=True)]
        return rebuild(self._result, tensors)


def holders(arrays: Iterable[Any]) -> list[Tensor]:
    """Return the tensors that hold one of `arrays`."""
    wanted = {id(a): a for a in arrays if hasattr(a, "shape")}
    if not wanted:
        return []
    return [
        found
        for found in gc.get_referrers(*wanted.values())
        if isinstance(found, Tensor) and id(getattr(found, "array", None)) in wanted
    ]

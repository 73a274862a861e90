"""Runs of a step on one form of arguments, until two of them did the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from stackgrad.capture.agreement import difference
from stackgrad.capture.guards import Guards
from stackgrad.capture.program import Program, holders
from stackgrad.capture.structure import flatten
from stackgrad.capture.tape import CaptureError, Tape
from stackgrad.capture.watched import plain
from stackgrad.graph import RELEASED
from stackgrad.tensor import Tensor

_RUNS = 4  # that a step may take until two of them do the same


class Recording:
    """The tapes of one form of arguments, and the program that came of them."""

    def __init__(self, step: Callable[..., Any], guards: Guards) -> None:
        self.step, self.guards = step, guards
        self.tape: Tape | None = None
        self.program: Program | None = None
        self.runs = 0

    def outdated(self) -> bool:
        """Whether what was recorded no longer fits the tensors that the step refers to."""
        return self.program is not None and not self.program.holds()

    def replay(self, arrays: Sequence[Any]) -> Any:
        """Run the program on the arrays of the arguments."""
        if self.program is None:
            raise CaptureError("nothing is captured yet")
        return self.program.replay(arrays)

    def run(self, args: Any, kwargs: Any, given: Sequence[Tensor]) -> Any:
        """Run the step eagerly, recorded; make the program if it did what it did before."""
        tape, self.runs = Tape(), self.runs + 1
        try:
            with self._watching(tape, given):
                result = self._record(tape, args, kwargs)
            self._compare(tape, result)
        except CaptureError:
            self.runs, self.tape = 0, None
            raise
        finally:
            _unwatch(leaf.grad for leaf in tape.graded.values())
        tensors: list[Tensor] = []
        flatten(result, tensors)
        _unwatch(iter(tensors))
        return result

    def _record(self, tape: Tape, args: Any, kwargs: Any) -> Any:
        tape.start()
        try:
            result = self.step(*args, **kwargs)
        finally:
            tape.pause()
        if tape.failure is not None:  # which the step has caught
            raise tape.failure
        tape.end(result)
        return result

    def _compare(self, tape: Tape, result: Any) -> None:
        before, self.tape = self.tape, tape
        if before is None:
            return
        apart = difference(before, tape)
        if apart is None:
            _refuse_unfinished(result)
            self.program, self.tape = Program(tape), None
        elif self.runs >= _RUNS:
            raise CaptureError(f"a captured step does something else in every call: {apart}")

    @contextmanager
    def _watching(self, tape: Tape, given: Sequence[Tensor]) -> Iterator[None]:
        """Let the arguments, and the tensors that the step refers to, report to the tape."""
        arguments: dict[int, Any] = {}
        for tensor in given:
            if id(tensor.array) not in arguments:
                arguments[id(tensor.array)] = tape.argument(tensor.array)
        known = holders(() if self.tape is None else self.tape.outside.values())
        tensors = {id(t): t for t in (*given, *self.guards.tensors, *known)}.values()
        swapped = []
        for tensor in tensors:
            seen = arguments.get(id(tensor.array))
            seen = tape.watch(tensor.array) if seen is None else seen
            swapped.append((tensor, tensor.array, seen))
            tensor.array = seen
        try:
            yield
        finally:
            for tensor, array, seen in swapped:
                if tensor.array is seen:
                    tensor.array = array


def _refuse_unfinished(result: Any) -> None:
    tensors: list[Tensor] = []
    flatten(result, tensors)
    for tensor in tensors:
        node = tensor.grad_fn
        if node is not None and node.saved is not RELEASED:
            raise CaptureError(
                "a captured step returns a tensor whose backward pass it did not run: call backward() in "
                "the step, return tensor.detach(), or capture under no_grad()"
            )


def _unwatch(tensors: Iterator[Tensor | None]) -> None:
    for tensor in tensors:
        if tensor is not None:
            tensor.array = plain(tensor.array)

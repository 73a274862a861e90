"""Static graphs: a training step recorded once and replayed, bit for bit what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackgrad.capture.agreement import difference
from stackgrad.capture.guards import Guards, form_of
from stackgrad.capture.program import Program, holders
from stackgrad.capture.structure import flatten
from stackgrad.capture.tape import CaptureError, Tape
from stackgrad.capture.watched import plain
from stackgrad.grad_mode import mode
from stackgrad.tensor import Tensor

__all__ = ["CaptureError", "CapturedStep", "capture"]

_RUNS = 4  # that a step may take until two of them do the same
_FORMS = 64  # recordings that are kept


def capture(step: Callable[..., Any]) -> CapturedStep:
    """Return `step` as a function that records its first runs and then replays them.

    The step may take tensors (in tuples, lists and dicts, too), run the model, the backward pass and the
    optimizer. Every call is one training step: the first two run eagerly and are recorded, and where they
    did the same the third and later ones replay the recorded calls without the graph. The bits are those
    of the eager step; random numbers move on, optimizers and schedulers keep their own numbers.
    Arguments of another form (shapes, dtypes, devices, numbers), a module set to `eval()`, or a number that
    the step's code refers to and that changed lead to another recording.

    Python code of the step does not run again at a replay. CaptureError tells where that matters:
    a value of a tensor that Python reads (`item()`, `if tensor:`), a number or a tensor that is
    another in every call. Gradients and results of a replay are new tensors.
    """
    return CapturedStep(step)


class CapturedStep:
    """A step, its recordings, and what was recorded."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step = step
        self.__wrapped__ = step
        self._recordings: dict[Any, _Recording] = {}
        self._latest: _Recording | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run one training step."""
        if mode.tape is not None or mode.anomaly:
            return self.step(*args, **kwargs)
        form, tensors, objects = form_of(args, kwargs)
        recording = self._recordings.get(form)
        if recording is None or recording.outdated():
            if len(self._recordings) >= _FORMS:
                self._recordings.pop(next(iter(self._recordings)))
            recording = self._recordings[form] = _Recording(self.step, objects)
        self._latest = recording
        if recording.program is not None:
            return recording.program.replay([tensor.array for tensor in tensors])
        return recording.run(args, kwargs, tensors)

    @property
    def program(self) -> Program | None:
        """What the latest call replays; None while it is being recorded."""
        return None if self._latest is None else self._latest.program

    @property
    def graph(self) -> Program:
        """The captured graph of the latest call, which prints as text and draws as DOT."""
        if self.program is None:
            raise CaptureError("nothing is captured yet: a step is recorded in its first two calls")
        return self.program


class _Recording:
    """One form of arguments: tapes until two agree, then the program."""

    def __init__(self, step: Callable[..., Any], objects: list[Any]) -> None:
        self.step, self.guards = step, Guards(step, objects)
        self.tape: Tape | None = None
        self.program: Program | None = None
        self.runs = 0

    def outdated(self) -> bool:
        """Whether what was recorded no longer fits the objects that the step refers to."""
        if self.guards.changed():
            return True
        return self.program is not None and not self.program.holds()

    def run(self, args: Any, kwargs: Any, tensors: list[Tensor]) -> Any:
        """Run the step eagerly, recorded; make the program if it did what it did before."""
        tape, self.runs = Tape(), self.runs + 1
        swapped: list[tuple[Tensor, Any]] = []
        known = holders(() if self.tape is None else self.tape.outside.values())
        held = {id(t) for t in tensors}
        for tensor in {
            id(t): t for t in (*self.guards.tensors, *known) if id(t) not in held
        }.values():
            swapped.append((tensor, tensor.array))
            tensor.array = tape.watch(tensor.array)
        watched: dict[int, Any] = {}
        for tensor in tensors:
            swapped.append((tensor, tensor.array))
            if id(tensor.array) not in watched:
                watched[id(tensor.array)] = tape.argument(tensor.array)
            tensor.array = watched[id(tensor.array)]
        given = [(tensor, tensor.array) for tensor, _ in swapped]
        tape.start()
        try:
            result = self.step(*args, **kwargs)
            tape.pause()
            if tape.failure is not None:  # which the step has caught
                raise tape.failure
            before, self.tape = self.tape, tape
            apart = None if before is None else difference(before, tape)
            if before is not None and apart is None:
                self.program = Program(before, tape, result)
                self.tape = None
            elif apart is not None and self.runs >= _RUNS:
                raise CaptureError(f"a captured step does something else in every call: {apart}")
        except CaptureError:
            self.runs, self.tape = 0, None
            raise
        finally:
            tape.pause()
            for (tensor, array), (_, seen) in zip(swapped, given, strict=True):
                if tensor.array is seen:
                    tensor.array = array
        tensors = []
        flatten(result, tensors)
        for tensor in (*tensors, *(leaf.grad for leaf in tape.graded.values())):
            if tensor is not None:
                tensor.array = plain(tensor.array)
        return result

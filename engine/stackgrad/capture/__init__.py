"""Static graphs: a training step recorded once and replayed, bit for bit what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackgrad.capture.guards import Guards, form_of
from stackgrad.capture.program import Program
from stackgrad.capture.recording import Recording
from stackgrad.capture.tape import CaptureError
from stackgrad.grad_mode import mode
from stackgrad.tensor import Tensor

__all__ = ["CaptureError", "CapturedStep", "capture"]

_FORMS = 64  # recordings that are kept
_MISSES = 16  # recordings in a row that lead to no replay


def capture(step: Callable[..., Any]) -> CapturedStep:
    """Return `step` as a function that records its first runs and then replays them.

    The step may take tensors (in tuples, lists and dicts, too), run the model, the backward pass and the
    optimizer. Every call is one training step: where two runs did the same, later ones replay the recorded
    calls without the graph. The bits are those of the eager step; random numbers move on; optimizers and
    schedulers keep their own numbers. Arguments of another form (shapes, dtypes, devices, numbers), a
    module set to `eval()`, or another value of a number that the step's code refers to lead to another
    recording; nothing is captured while `detect_anomaly` is on.

    The Python code of the step does not run again at a replay. CaptureError tells where that matters: a
    value of a tensor that Python reads (`item()`, `if tensor:`), a number or a tensor that is another in
    every call. Hooks run while the step is recorded. Results and gradients of a replay are new tensors.
    """
    return CapturedStep(step)


class CapturedStep:
    """A step and its recordings, one per form of its arguments."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step = self.__wrapped__ = step
        self._recordings: dict[Any, Any] = {}
        self._guards: dict[Any, Guards] = {}
        self._latest: Any = None
        self._misses: list[Any] = []  # keys of recordings that were begun since the last replay

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run one training step."""
        if mode.tape is not None or mode.anomaly:
            return self.step(*args, **kwargs)
        form, tensors, objects = form_of(args, kwargs)
        guards = self._guards.get(form)
        if guards is None or guards.changed():
            guards = self._guards[form] = Guards(self.step, objects)
            for key in [key for key in self._recordings if key[0] == form]:
                del self._recordings[key]
        accumulated = [leaf.grad for leaf in guards.leaves if leaf.grad is not None]
        key = form, guards.numbers(), tuple([leaf.grad is None for leaf in guards.leaves])
        given = [*{id(tensor.array): tensor for tensor in tensors + accumulated}.values()]
        recording = self._recordings.get(key)
        if recording is None or recording.outdated():
            if len(self._recordings) >= _FORMS:
                self._recordings.pop(next(iter(self._recordings)))
            recording = self._recordings[key] = self._begin(guards, given)
            self._check_misses(key)
        self._latest = recording
        if recording.program is None:
            return recording.run(args, kwargs, given)
        self._misses.clear()
        arrays = [tensor.array for tensor in given]
        del given, accumulated
        return recording.replay(arrays)

    def _begin(self, guards: Guards, given: list[Tensor]) -> Any:
        if any(tensor.is_cuda for tensor in (*given, *guards.tensors)):
            from stackgrad.capture.stream import StreamRecording

            return StreamRecording(self.step, guards)
        return Recording(self.step, guards)

    def _check_misses(self, key: Any) -> None:
        """Raise CaptureError where a number that the step refers to is another in every call."""
        self._misses.append(key)
        if len(self._misses) < _MISSES:
            return
        columns = zip(*(numbers for _, numbers, _ in self._misses), strict=False)
        for name, values in zip(self._guards[key[0]].names(), columns, strict=False):
            if len(set(values)) == len(values):
                self._misses.clear()
                raise CaptureError(
                    f"a captured step refers to the number {name!r}, which is another in every call "
                    f"({values[0]!r}, {values[1]!r}, ...): give it to the step as a tensor"
                )
        self._misses.clear()

    @property
    def graph(self) -> Program:
        """The captured graph of the latest call: `str()` lists its nodes, `dot()` draws them."""
        if self._latest is None or self._latest.program is None:
            raise CaptureError("nothing is captured yet: a step is recorded in its first calls")
        program: Program = self._latest.program
        return program

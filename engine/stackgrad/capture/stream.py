"""Captured steps on a GPU: a CUDA graph of the eager step. Not verified on hardware.

The first runs are eager and on the stream that is captured later: kernels are compiled, libraries get their
workspaces, optimizers their state. Then the step runs once under capture, in a memory pool of the graph's own, and a
replay copies the arguments into the memory that was captured, launches, and hands out copies of the results.
Learning rates, step counts and random counters are renewed before every launch (`kernels/cuda/upload.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stackgrad.capture.guards import Guards
from stackgrad.capture.program import Program
from stackgrad.capture.structure import flatten, rebuild
from stackgrad.capture.tape import CaptureError, Tape
from stackgrad.optim.optimizer import Optimizer
from stackgrad.streams import CUDAGraph, Stream, current_stream, graph, stream
from stackgrad.tensor import Tensor, wrap

_WARM_UP = 2


class StreamRecording:
    """One form of arguments on a GPU: eager runs, then a graph."""

    def __init__(self, step: Callable[..., Any], guards: Guards) -> None:
        self.step, self.guards = step, guards
        self.program: Program | None = None
        self.runs = 0
        self.side = Stream()
        self._graph = CUDAGraph()
        self._inputs: list[Any] = []
        self._grads: list[tuple[Tensor, Tensor | None]] = []
        self._results: tuple[Any, list[Tensor]] = (None, [])

    def outdated(self) -> bool:
        """Whether the tensors outside have other memory than was captured."""
        return self.program is not None and not self.program.holds()

    def run(self, args: Any, kwargs: Any, given: Sequence[Tensor]) -> Any:
        """Run the step: eagerly at first, then under capture and by its first launch."""
        self.runs += 1
        if self.runs <= _WARM_UP:
            self.side.wait_stream(current_stream())
            with stream(self.side):
                result = self.step(*args, **kwargs)
            current_stream().wait_stream(self.side)
            return result
        tape = self._capture(args, kwargs, given)
        self.program = Program(tape, compiled=False)
        return self._launch()

    def _capture(self, args: Any, kwargs: Any, given: Sequence[Tensor]) -> Tape:
        """Run the step under capture on copies of its arguments, whose memory the replays fill."""
        tape, own = Tape(), [tensor.array for tensor in given]
        self._inputs = [array.copy() for array in own]
        for tensor, array in zip(given, self._inputs, strict=True):
            tensor.array = tape.argument(array)
        try:
            with graph(self._graph, stream=self.side):
                tape.start()
                try:
                    result = self.step(*args, **kwargs)
                finally:
                    tape.pause()
            if tape.failure is not None:
                raise tape.failure
        except CaptureError:
            self.runs = 0
            raise
        finally:
            for tensor, array in zip(given, own, strict=True):
                tensor.array = array
        tape.end(result)
        tensors: list[Tensor] = []
        self._results = flatten(result, tensors), [t.detach() for t in tensors]
        self._grads = [(leaf, leaf.grad) for leaf in tape.graded.values()]
        return tape

    def replay(self, arrays: Sequence[Any]) -> Any:
        """Fill the memory of the arguments, launch, and do what the host does in a step."""
        for captured, array in zip(self._inputs, arrays, strict=True):
            captured[...] = array
        result = self._launch()
        for call in [] if self.program is None else self.program.calls:
            if "" in call.kwargs and not isinstance(call.kwargs[""][0][0], Optimizer):
                args, kwargs = call.kwargs[""]
                call.function(*args, **kwargs)  # a scheduler's step
        return result

    def _launch(self) -> Any:
        self._graph.replay()
        for leaf, gradient in self._grads:
            leaf.grad = gradient
        skeleton, tensors = self._results
        return rebuild(skeleton, [wrap(t.array.copy(), t.device) for t in tensors])

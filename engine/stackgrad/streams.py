"""Streams, events and graphs of a GPU under the names of `torch.cuda`. Not verified on hardware.

A graph holds the launches of a training step and replays them in one call. What a step takes from the host
while it is captured is small numbers alone (`kernels/cuda/upload.py`): learning rates, the optimizer's count
and random counters move on from replay to replay as they do from step to step. Run a few steps before, so
that kernels are compiled and the optimizer has its state; anything that waits for the GPU (`item()`,
indexing by booleans) raises CuPy's error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from stackgrad.device import Device, cuda_module
from stackgrad.kernels.cuda.upload import Recording, state


class Stream:
    """A queue of work on the current GPU."""

    def __init__(self, device: Any = None, priority: int = 0, *, raw: Any = None) -> None:
        self.device = Device("cuda" if device is None else device)
        if raw is None:
            raw = cuda_module().cuda.Stream(non_blocking=True, priority=priority or None)
        self.raw = raw

    @property
    def cuda_stream(self) -> int:
        """The address of CUDA's object."""
        return int(self.raw.ptr)

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        self.raw.synchronize()

    def query(self) -> bool:
        """Return whether all its work is done."""
        return bool(self.raw.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Mark this place of the queue."""
        found = Event() if event is None else event
        found.record(self)
        return found

    def wait_event(self, event: Event) -> None:
        """Let later work wait until `event` has been passed."""
        self.raw.wait_event(event.raw)

    def wait_stream(self, stream: Stream) -> None:
        """Let later work wait until the work that `stream` has now is done."""
        self.wait_event(stream.record_event())


class Event:
    """A place in a stream's queue, and with `enable_timing` when it was passed."""

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
    ) -> None:
        if interprocess:
            raise NotImplementedError(
                "cuda.Event(interprocess=True) is not implemented in stackgrad"
            )
        self.raw = cuda_module().cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Mark the place where `stream`, or the current one, is now."""
        self.raw.record(None if stream is None else stream.raw)

    def synchronize(self) -> None:
        """Wait until it has been passed."""
        self.raw.synchronize()

    def query(self) -> bool:
        """Return whether it has been passed."""
        return bool(self.raw.done)

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds from this event to another."""
        return float(cuda_module().cuda.get_elapsed_time(self.raw, end_event.raw))


def current_stream(device: Any = None) -> Stream:
    """Return the stream on which work is queued now."""
    return Stream(device, raw=cuda_module().cuda.get_current_stream())


@contextlib.contextmanager
def stream(stream: Stream | None) -> Iterator[None]:
    """Queue work on `stream` inside the `with` statement."""
    if stream is None:
        yield
        return
    with stream.raw:
        yield


class CUDAGraph:
    """A captured sequence of launches; `graph(this)` captures, `replay()` runs it."""

    def __init__(self) -> None:
        self.cupy = cuda_module()
        self._memory = (
            self.cupy.cuda.MemoryPool()
        )  # its blocks stay the graph's as long as it lives
        self._recording = Recording()
        self._graph: Any = None
        self._passed: Any = None

    @contextlib.contextmanager
    def capture(self, side: Stream) -> Iterator[None]:
        """Capture what is launched inside the `with` statement on `side`."""
        if state.recording is not None:
            raise RuntimeError("a graph is being captured already")
        xp = side.device.xp
        with side.raw, self.cupy.cuda.using_allocator(self._memory.malloc):
            xp.prepare()
            side.raw.begin_capture()
            state.recording = self._recording
            try:
                yield
            finally:
                state.recording = None
                self._graph = side.raw.end_capture()

    def replay(self) -> None:
        """Run the graph on the current stream with the numbers of its next step."""
        if self._graph is None:
            raise RuntimeError("called CUDAGraph.replay without a preceding successful capture")
        if self._passed is not None:
            self._passed.synchronize()  # it has read the numbers that are now written over
        self._recording.refresh()
        self._graph.launch()
        self._passed = self.cupy.cuda.Event(disable_timing=True)
        self._passed.record()

    def debug_dump(self, debug_path: str) -> None:
        """Write the graph in DOT."""
        from pathlib import Path

        Path(debug_path).write_text(self._graph.debug_dot_str(), encoding="utf-8")

    def reset(self) -> None:
        """Forget the graph and give its memory back."""
        self._graph, self._passed, self._recording = None, None, Recording()
        self._memory.free_all_blocks()


@contextlib.contextmanager
def graph(
    cuda_graph: CUDAGraph,
    pool: Any = None,
    stream: Stream | None = None,
    capture_error_mode: str = "global",  # noqa: ARG001  (CuPy captures relaxed)
) -> Iterator[None]:
    """Capture the `with` statement's work in `cuda_graph`."""
    if pool is not None:
        raise NotImplementedError("cuda.graph(pool=) is not implemented in stackgrad")
    side = Stream() if stream is None else stream
    side.wait_stream(current_stream())
    with cuda_graph.capture(side):
        yield
    current_stream().wait_stream(side)

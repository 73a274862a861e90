"""How much memory a step takes at its peak."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

from stackgrad.device import cuda_is_available, cuda_module


class Peak(NamedTuple):
    """What a step returned, and the most bytes that it held at one time beyond those held before it."""

    result: Any
    cpu_bytes: int
    cuda_bytes: int


def measure_peak(step: Callable[..., Any], *args: Any, **kwargs: Any) -> Peak:
    """Run `step` once and return what it returned together with the peak of its memory.

    On the CPU these are the allocations of Python and NumPy, as `tracemalloc` sees them; what
    libraries take for themselves is not among them. A step takes several times as long while it is measured.
    """
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result, on_gpu = _with_gpu(step, args, kwargs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not running:
            tracemalloc.stop()
    return Peak(result, max(peak - before, 0), on_gpu)


def _with_gpu(step: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, int]:
    """Run `step`; count what CuPy's pools hand out meanwhile. Not verified on hardware."""
    if not cuda_is_available():
        return step(*args, **kwargs), 0
    hook = _hook(cuda_module())
    with hook:
        result = step(*args, **kwargs)
    return result, hook.peak


def _hook(cupy: Any) -> Any:
    class Count(cupy.cuda.MemoryHook):  # type: ignore[misc]
        name = "stackgrad.memory"

        def __init__(self) -> None:
            self.held = self.peak = 0

        def malloc_postprocess(self, *, mem_size: int, **_: Any) -> None:
            self.held += mem_size
            self.peak = max(self.peak, self.held)

        def free_postprocess(self, *, mem_size: int, **_: Any) -> None:
            self.held -= mem_size

    return Count()

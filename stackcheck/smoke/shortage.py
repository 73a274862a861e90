"""Out of memory: the same work at half the size, said as such. Imported by the worker alone."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

from stackcheck.smoke.bench import Bench

__all__ = ["halve_to_fit", "is_out_of_memory"]

_T = TypeVar("_T")


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that memory is short: Python's own, or the class that CuPy raises."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def halve_to_fit(
    bench: Bench, what: str, size: int, work: Callable[[int], _T], least: int = 1
) -> tuple[_T, int]:
    """Do the work of a size, of half of it each time that memory is short; returns what it gave, and the size.

    Every halving is told as a note. Another process may hold the memory. Raises what `work` raises where it is
    something else, and where `least` does not fit either.
    """
    while True:
        try:
            return work(size), size
        except Exception as error:
            if not is_out_of_memory(error) or size // 2 < least:
                raise
        # outside of the handler, whose traceback would hold what was made
        gc.collect()
        bench.engine.cuda.empty_cache()
        bench.tell(
            {"event": "note", "text": f"{what}: out of memory with {size}, trying {size // 2}"}
        )
        size //= 2

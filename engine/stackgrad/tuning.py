"""What makes the CPU quick and is the user's to ask for: threads, and freed memory kept.

Nothing here happens on import. `tune()` lets one owner have the threads: BLAS works on one, and
kernels share large work over the engine's own pool (`parallel`).
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stackgrad.libraries import onednn

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_BLAS_SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
    "MKL_Set_Num_Threads",
)


class _Threads:
    """The pool that kernels share; one thread means that everything runs in the caller's."""

    def __init__(self) -> None:
        self.count = 1
        self.pool: ThreadPoolExecutor | None = None


threads = _Threads()


def tune(threads: int | None = None, *, keep_memory: bool = True) -> dict[str, Any]:
    """Set this process up for training on the CPU and return what was done.

    `threads` (all cores by default) is the size of the pool; BLAS is set to one thread. With
    `keep_memory` glibc keeps up to 1 GiB of freed memory in place of giving every large temporary back
    to the kernel, which costs a page fault per 4 KiB.
    """
    count = (
        threads or len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else threads or os.cpu_count() or 1
    )
    _set_pool(count)
    return {
        "threads": count,
        "blas": set_blas_threads(1),
        "keeps_memory": keep_memory and _keep_memory(),
    }


def _set_pool(count: int) -> None:
    if threads.pool is not None:
        threads.pool.shutdown()
    threads.count = count
    onednn.limit_threads(1)
    threads.pool = (
        ThreadPoolExecutor(count - 1, "stackgrad", onednn.limit_threads, (1,))
        if count > 1
        else None
    )


def _keep_memory() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    settings = (
        (_M_TRIM_THRESHOLD, 1 << 30),
        (_M_MMAP_THRESHOLD, 32 << 20),
        (_M_TOP_PAD, 256 << 20),
    )
    return all(mallopt(option, value) == 1 for option, value in settings)


def set_blas_threads(count: int) -> str | None:
    """Set the threads of the BLAS that NumPy uses; return its library's name, None if none was found."""
    for path in _loaded_libraries():
        if "blas" not in path.name.lower() and "mkl_rt" not in path.name:
            continue
        library = ctypes.CDLL(str(path))
        for name in _BLAS_SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter(count)
                return path.name
    return None


def _loaded_libraries() -> Iterable[Path]:
    """Return the shared libraries of this process; on other systems those in NumPy's wheel."""
    maps = Path("/proc/self/maps")
    if maps.exists():
        lines = (line.split(maxsplit=5) for line in maps.read_text().splitlines())
        return sorted(
            {Path(parts[5]) for parts in lines if len(parts) == 6 and parts[5].startswith("/")}
        )
    import numpy as np

    home = Path(np.__file__).parent
    return [*home.glob(".dylibs/*"), *home.parent.glob("numpy.libs/*")]


def parallel(work: Callable[[int, int], Any], size: int, least: int = 1) -> None:
    """Call `work(start, stop)` over [0, size), in one slice per thread of at least `least`."""
    pool = threads.pool
    slices = min(threads.count, size // max(least, 1))
    if pool is None or slices < 2:
        work(0, size)
        return
    edges = [size * i // slices for i in range(slices + 1)]
    others = [pool.submit(work, a, b) for a, b in itertools.pairwise(edges[1:])]
    try:
        work(edges[0], edges[1])
    finally:
        for other in others:
            other.result()


def get_num_threads() -> int:
    """Return how many threads share large work."""
    return threads.count


def set_num_threads(count: int) -> None:
    """Share large work among `count` threads; BLAS keeps its own setting until `tune`."""
    _set_pool(count)

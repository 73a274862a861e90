"""Copies of a GPU: on the device as a share of its memory's peak, and to and from the host."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.shortage import halve_to_fit

__all__ = ["measure_copies"]

_SLOW_COPY = 0.6
"""Of the memory's peak; sound GPUs copy at 0.8 to 0.93 of it."""
_GIB = 1 << 30
_LEAST = 1 << 20
_SKIPPED = Outcome("skipped", message="the stages run on the CPU, whose peak is not known")


def measure_copies(bench: Bench) -> Outcome:
    """Time copies on the device, and to and from the host's pinned memory."""
    if not bench.is_gpu:
        return _SKIPPED
    cupy = bench.cupy
    found = cupy.cuda.Device(int(bench.device.partition(":")[2] or 0)).attributes
    # two transfers a clock, as every kind of memory that GPUs have is counted
    peak = 2 * found["MemoryClockRate"] * 1e3 * found["GlobalMemoryBusWidth"] / 8 / 1e9
    rates, _ = halve_to_fit(bench, "copied bytes", _GIB, partial(_copy, bench, cupy), _LEAST)
    if not peak:
        return Outcome("ok", compared_with="the clock of the memory is not told", rates=rates)
    share = rates["device copy GB/s"] / peak
    message = (
        f"the memory copies at {share:.0%} of its peak of {peak:.0f} GB/s: lowered clocks, ECC repairs, or another"
        " process on the GPU"
    )
    slow = share < _SLOW_COPY
    return Outcome(
        "error" if slow else "ok", share, "of peak", _SLOW_COPY, f"{peak:.0f} GB/s", message if slow else "", rates
    )  # fmt: skip


def _copy(bench: Bench, cupy: Any, size: int) -> dict[str, float]:
    """Return the rates of copies of so many bytes, of a quarter of them to and from the host."""
    source, target = (cupy.ones(size // 4, cupy.float32) for _ in range(2))
    pinned = np.frombuffer(cupy.cuda.alloc_pinned_memory(size // 4), np.float32, size // 16)
    pinned[:] = 1
    part = source[: len(pinned)]
    seconds = {
        "device copy": bench.time(partial(cupy.copyto, target, source), 10) / (2 * source.nbytes),
        "host to device": bench.time(partial(part.set, pinned), 5) / pinned.nbytes,
        "device to host": bench.time(partial(part.get, out=pinned), 5) / pinned.nbytes,
    }
    return {f"{what} GB/s": 1e-9 / each for what, each in seconds.items()}

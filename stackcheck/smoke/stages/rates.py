"""Copies of a GPU: on the device as a share of its memory's peak, and to and from the host."""

from __future__ import annotations

from functools import partial

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome

__all__ = ["measure_copies"]

_SLOW_COPY = 0.6
"""Of the memory's peak; sound GPUs copy at 0.8 to 0.93 of it."""
_GIB = 1 << 30
_SKIPPED = Outcome("skipped", message="the stages run on the CPU, whose peak is not known")


def measure_copies(bench: Bench) -> Outcome:
    """Time copies on the device, and to and from the host's pinned memory."""
    if not bench.is_gpu:
        return _SKIPPED
    cupy = bench.engine.device(bench.device).xp
    found = cupy.cuda.Device(int(bench.device.partition(":")[2] or 0)).attributes
    # two transfers a clock, as every kind of memory that GPUs have is counted
    peak = 2 * found["MemoryClockRate"] * 1e3 * found["GlobalMemoryBusWidth"] / 8 / 1e9
    source, target = (cupy.ones(_GIB // 4, cupy.float32) for _ in range(2))
    pinned = np.frombuffer(cupy.cuda.alloc_pinned_memory(_GIB // 4), np.float32, _GIB // 16)
    pinned[:] = 1
    part = source[: len(pinned)]
    seconds = {
        "device copy": bench.time(partial(cupy.copyto, target, source), 10) / (2 * source.nbytes),
        "host to device": bench.time(partial(part.set, pinned), 5) / pinned.nbytes,
        "device to host": bench.time(partial(part.get, out=pinned), 5) / pinned.nbytes,
    }
    rates = {f"{what} GB/s": 1e-9 / each for what, each in seconds.items()}
    share = rates["device copy GB/s"] / peak
    message = (
        f"the memory copies at {share:.0%} of its peak of {peak:.0f} GB/s: lowered clocks, ECC repairs, or another"
        " process on the GPU"
    )
    slow = share < _SLOW_COPY
    return Outcome(
        "error" if slow else "ok", share, "of peak", _SLOW_COPY, f"{peak:.0f} GB/s", message if slow else "", rates
    )  # fmt: skip

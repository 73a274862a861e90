"""Rates of a GPU as shares of its peak: copies, and matrix products by precision."""

from __future__ import annotations

import operator
from functools import partial

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.peaks import list_peaks

__all__ = ["measure_copies", "measure_products"]

_TOO_SLOW = 0.5
"""Of the peak; sound data-centre GPUs reach 0.7 to 0.9 of it (2.0 GHz clocks are held by none under load)."""
_SLOW_COPY = 0.6
"""Of the memory's peak; sound GPUs copy at 0.8 to 0.93 of it."""
_GIB = 1 << 30
_SKIPPED = Outcome("skipped", message="the stages run on the CPU, whose peak is not known")
_TYPES = {"float32": "float32", "bfloat16": "half", "float16": "half"}


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


def measure_products(bench: Bench) -> Outcome:
    """Time large products of random numbers; far below its kind is an error with its usual causes."""
    if not bench.is_gpu:
        return _SKIPPED
    cupy = bench.engine.device(bench.device).xp
    device = cupy.cuda.Device(int(bench.device.partition(":")[2] or 0))
    found = device.attributes
    name = cupy.cuda.runtime.getDeviceProperties(device.id)["name"].decode()
    capability = int(device.compute_capability[:-1]), int(device.compute_capability[-1])
    peaks = list_peaks(name, capability, found["MultiProcessorCount"], found["ClockRate"] * 1e3)
    size = bench.of_level(4096, 8192)
    random = bench.random(70)
    rates, shares = {}, {}
    for dtype, precision in _TYPES.items():
        if dtype == "bfloat16" and capability < (8, 0):
            continue
        left, right = (
            bench.tensor(
                random.standard_normal((size, size)).astype(np.float32),
                getattr(bench.engine, dtype),
            )
            for _ in range(2)
        )
        rate = 2 * size**3 / bench.time(partial(operator.matmul, left, right), 10) / 1e12
        rates[f"{dtype} TFLOP/s"] = rate
        if precision in peaks:
            shares[dtype] = rate / peaks[precision]
    compared_with = f"peak of {name} at {found['ClockRate'] / 1e6:.2f} GHz; {size} x {size}"
    if not shares:
        return Outcome("ok", compared_with=f"no peak is known of {name}", rates=rates)
    worst = min(shares, key=shares.__getitem__)
    slow = shares[worst] < _TOO_SLOW
    message = (
        f"{worst} products reach {shares[worst]:.0%} of the peak: a power cap, lowered clocks, heat, or another process"
        " on the GPU (`stackcheck doctor` shows them)"
    )
    return Outcome(
        "error" if slow else "ok", shares[worst], "of peak", _TOO_SLOW, compared_with, message if slow else "", rates
    )  # fmt: skip

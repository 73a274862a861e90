"""Rates of a GPU as shares of its peak: matrix products by precision."""

from __future__ import annotations

import operator
from functools import partial

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.peaks import list_peaks

__all__ = ["measure_rates"]

_TOO_SLOW = 0.5
"""Of the peak; sound data-centre GPUs reach 0.7 to 0.9 of it (2.0 GHz clocks are held by none under load)."""
_TYPES = {"float32": "float32", "bfloat16": "half", "float16": "half"}


def measure_rates(bench: Bench) -> Outcome:
    """Time large products of random numbers; far below its kind is an error with its usual causes."""
    if not bench.is_gpu:
        return Outcome("skipped", message="the stages run on the CPU, whose peak is not known")
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

"""Memory: what is written is read again, at which rate, and whether training gives it back."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome, limit
from stackcheck.smoke.shortage import halve_to_fit
from stackcheck.smoke.trial import build_trial

__all__ = ["check_device", "check_memory_returns", "check_pattern"]

_PATTERNS = (0x00000000, 0x7FFFFFFF, 0x55555555, 0x2AAAAAAA)
_MIB = 1 << 20


def check_device(bench: Bench) -> Outcome:
    """Do the least that a device can do: three numbers there, added, and back."""
    added = bench.host(bench.tensor(np.array([1.0, 2.0, 3.0], np.float32)) + 1)
    wrong = float(np.abs(added - np.array([2, 3, 4], np.float32)).max())
    return limit(
        wrong, 0.0, "difference", "1 + 1, 2 + 1, 3 + 1", f"{bench.device} returned {added.tolist()}"
    )


def check_pattern(bench: Bench) -> Outcome:
    """Write patterns and addresses, copy them on the device, read all of it back, and time the copy."""
    mebibytes = bench.of_level(64, 256) if not bench.is_gpu else bench.of_level(256, 2048)
    outcome, fitting = halve_to_fit(
        bench, "memory pattern in MiB", mebibytes, partial(_check_pattern, bench)
    )
    if fitting < mebibytes and outcome.status == "ok":
        return replace(outcome, message=f"memory is short: {fitting} MiB in place of {mebibytes}")
    return outcome


def _check_pattern(bench: Bench, mebibytes: int) -> Outcome:
    count = mebibytes * _MIB // 4
    wrong = 0
    place = ""
    addresses = np.arange(count, dtype=np.int32)
    for pattern in (*_PATTERNS, None):
        expected = addresses if pattern is None else np.full(count, pattern, np.int32)
        found = bench.host(bench.tensor(expected).clone())
        differing = np.flatnonzero(found != expected)
        if differing.size and not place:
            at = int(differing[0])
            place = f"word {at}: wrote {int(expected[at]):#010x}, read {int(found[at]):#010x}"
        wrong += differing.size
    source = bench.tensor(addresses)
    seconds = bench.time(source.clone, 5)
    rate = 2 * 4 * count / seconds / 1e9  # read and written
    outcome = limit(
        float(wrong),
        0.0,
        "wrong words",
        f"five patterns over {mebibytes} MiB",
        f"{wrong} words differ, first {place}",
    )
    return Outcome(
        outcome.status, outcome.value, outcome.unit, outcome.reference, outcome.compared_with,
        outcome.message, {"copy GB/s": rate},
    )  # fmt: skip


def check_memory_returns(bench: Bench) -> Outcome:
    """Train a while, then as long again: the second half must hold no more than the first."""
    trial = build_trial(bench, "cnn", batch=32)
    steps = bench.of_level(5, 20)
    if not bench.is_gpu:
        tracemalloc.start()
    try:
        for _ in range(steps):
            trial.step()
        before = _held_bytes(bench)
        for _ in range(steps):
            trial.step()
        grown = max(0, _held_bytes(bench) - before)
    finally:
        tracemalloc.stop()
    allowed = 64 * 1024 + 2048 * steps  # the interpreter's own caches; one lost activation is more
    return limit(
        float(grown), float(allowed), "bytes grown", f"{steps} steps against the {steps} before",
        f"{grown // steps} bytes are lost in each step",
    )  # fmt: skip


def _held_bytes(bench: Bench) -> int:
    gc.collect()
    if bench.is_gpu:
        bench.wait()
        return int(bench.engine.cuda.memory_allocated(bench.device))
    held: Any = tracemalloc.get_traced_memory()[0]
    return int(held)

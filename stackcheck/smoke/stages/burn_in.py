"""Burn-in: the same products and the same trainings again and again, whose bits must never change."""

from __future__ import annotations

import time

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome, limit
from stackcheck.smoke.stages.determinism import find_difference, train_bits

__all__ = ["burn_in"]

_PRODUCTS_BETWEEN_TRAININGS = 50
_STEPS = 10


def burn_in(bench: Bench) -> Outcome:
    """Go on for the seconds of the run; the message counts what came out differently, and when it first did."""
    size = bench.of_level(1024, 8192 if bench.is_gpu else 1024)
    random = bench.random(60)
    left, right = (
        bench.tensor(random.standard_normal((size, size)).astype(np.float32)) for _ in range(2)
    )
    product = bench.host(left @ right)
    name = bench.tasks[-1]
    training = train_bits(bench, name, _STEPS)
    wrong = products = trainings = 0
    first = ""
    multiplying = 0.0
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < bench.seconds:
        for _ in range(_PRODUCTS_BETWEEN_TRAININGS):
            if time.monotonic() - begun >= bench.seconds:
                break
            start = time.perf_counter()
            found = bench.host(left @ right)
            multiplying += time.perf_counter() - start
            products += 1
            if not np.array_equal(found, product):
                wrong += 1
                first = (
                    first
                    or f"product {products} has other bits than the first, {elapsed:.0f} s after the start"
                )
        difference, _ = find_difference(training, train_bits(bench, name, _STEPS))
        trainings += 1
        if difference:
            wrong += 1
            first = (
                first
                or f"training {trainings} of {name}: {difference}, {elapsed:.0f} s after the start"
            )
        _tell(bench, elapsed, wrong, products / multiplying)
    rate = 2 * size**3 * products / max(multiplying, 1e-9) / 1e9
    outcome = limit(
        float(wrong), 0.0, "runs with other bits",
        f"{products} products and {trainings} trainings in {bench.seconds:.0f} s", f"{wrong} runs differ: {first}",
    )  # fmt: skip
    return Outcome(
        outcome.status, outcome.value, outcome.unit, outcome.reference, outcome.compared_with,
        outcome.message, {"burn-in GFLOP/s": rate},
    )  # fmt: skip


def _tell(bench: Bench, elapsed: float, wrong: int, rate: float) -> None:
    bench.tell(
        {
            "event": "progress",
            "task": "burn-in",
            "step": int(elapsed),
            "steps": int(bench.seconds),
            "loss": float(wrong),
            "rate": rate,
        }
    )

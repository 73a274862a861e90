"""Burn-in: the same products, memory patterns and trainings again and again, whose bits must never change.

Products are compared on the device, so that it computes all the time and copies nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome, limit
from stackcheck.smoke.shortage import halve_to_fit
from stackcheck.smoke.stages.determinism import find_difference, train_bits

__all__ = ["burn_in"]

_PRODUCTS_AT_ONCE = 10
_BATCHES_IN_ROUND = 20
_STEPS = 10
_WORDS = 1 << 20
_LEAST = 256


@dataclass
class _Record:
    """What was done so far, and what came out differently."""

    begun: float = field(default_factory=time.monotonic)
    products: int = 0
    operations: float = 0.0
    multiplying: float = 0.0
    patterns: int = 0
    trainings: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.begun

    def note(self, what: str) -> None:
        self.faults.append(f"{what}, {self.elapsed:.0f} s after the start")

    @property
    def gigaflops(self) -> float:
        return self.operations / max(self.multiplying, 1e-9) / 1e9


@dataclass(frozen=True)
class _Product:
    """One product, whose result is known from its first run."""

    name: str
    left: Any
    right: Any
    result: Any
    operations: float

    def repeat(self, record: _Record) -> None:
        """Multiply some times; note it if any element ever has other bits."""
        start = time.perf_counter()
        wrong = sum((self.left @ self.right != self.result).sum() for _ in range(_PRODUCTS_AT_ONCE))
        count = int(wrong)  # waits
        record.multiplying += time.perf_counter() - start
        record.products += _PRODUCTS_AT_ONCE
        record.operations += _PRODUCTS_AT_ONCE * self.operations
        if count:
            record.note(f"{count} elements of {self.name} products have other bits than at first")


def burn_in(bench: Bench) -> Outcome:
    """Go on for the seconds of the run; the message counts what came out differently, and when it first did."""
    products, _ = halve_to_fit(
        bench, "burn-in", 8192 if bench.is_gpu else 1024, partial(_make_products, bench), _LEAST
    )
    trainings = {name: train_bits(bench, name, _STEPS) for name in bench.tasks}
    words = bench.random(61).integers(0, 1 << 31, _WORDS).astype(np.int32)
    record = _Record()
    while record.elapsed < bench.seconds:
        for batch in range(_BATCHES_IN_ROUND):
            if record.elapsed >= bench.seconds:
                break
            products[batch % len(products)].repeat(record)
            _tell(bench, record)
        record.patterns += 1
        if not np.array_equal(bench.host(bench.tensor(words).clone()), words):
            record.note("a pattern was read back wrong")
        name = bench.tasks[record.trainings % len(bench.tasks)]
        record.trainings += 1
        difference, _ = find_difference(trainings[name], train_bits(bench, name, _STEPS))
        if difference:
            record.note(f"{name}: {difference}")
    told = (
        f"{record.products} products, {record.patterns} patterns and {record.trainings} trainings"
        f" in {record.elapsed:.0f} s"
    )
    outcome = limit(
        float(len(record.faults)), 0.0, "repetitions with other bits", told,
        f"{len(record.faults)} repetitions differ: {record.faults[0] if record.faults else ''}",
    )  # fmt: skip
    return Outcome(
        outcome.status, outcome.value, outcome.unit, outcome.reference, outcome.compared_with,
        outcome.message, {"burn-in GFLOP/s": record.gigaflops},
    )  # fmt: skip


def _types(bench: Bench) -> tuple[str, ...]:
    """Return the types that load the device: on a GPU its tensor cores, too."""
    return ("float32", "float16") if bench.is_gpu else ("float32",)


def _make_products(bench: Bench, size: int) -> list[_Product]:
    return [_make_product(bench, name, size) for name in _types(bench)]


def _make_product(bench: Bench, name: str, size: int) -> _Product:
    random, dtype = bench.random(60), getattr(bench.engine, name)
    left, right = (
        bench.tensor(random.standard_normal((size, size), np.float32), dtype) for _ in range(2)
    )
    return _Product(name, left, right, left @ right, 2.0 * size**3)


def _tell(bench: Bench, record: _Record) -> None:
    bench.tell(
        {
            "event": "progress",
            "task": "burn-in",
            "step": int(record.elapsed),
            "steps": int(bench.seconds),
            "loss": float(len(record.faults)),
            "rate": record.gigaflops,
            "text": f"{len(record.faults)} faults  {record.gigaflops:,.0f} GFLOP/s",
        }
    )

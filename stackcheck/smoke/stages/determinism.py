"""Determinism: the same seed must give the same bits twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.trial import build_trial

__all__ = ["check_captured", "check_same_bits", "find_difference", "train_bits"]

_Computed: TypeAlias = Mapping[str, npt.NDArray[Any]]


def check_same_bits(bench: Bench) -> Outcome:
    """Train each task twice from the same seed; every loss and every final weight must have the same bits."""
    names = bench.tasks
    steps = bench.of_level(5, 20)
    compared_with = f"{steps} steps of {', '.join(names)} from the same seed"
    for name in names:
        difference, wrong = find_difference(
            train_bits(bench, name, steps), train_bits(bench, name, steps)
        )
        if difference:
            return Outcome(
                "error",
                float(wrong),
                "differing values",
                0.0,
                compared_with,
                f"{name}: {difference}",
            )
    return Outcome("ok", 0.0, "differing values", 0.0, compared_with)


def check_captured(bench: Bench) -> Outcome:
    """Train each task eagerly, and as a captured graph that is replayed: the bits must be the same."""
    steps = bench.of_level(6, 20)
    compared_with = f"{steps} eager steps of {', '.join(bench.tasks)}; from the third on replayed"
    for name in bench.tasks:
        difference, wrong = find_difference(
            train_bits(bench, name, steps), train_bits(bench, name, steps, captured=True)
        )
        if difference:
            message = f"{name}: {difference.replace('another run', 'the captured graph')}"
            return Outcome("error", float(wrong), "differing values", 0.0, compared_with, message)
    return Outcome("ok", 0.0, "differing values", 0.0, compared_with)


def train_bits(bench: Bench, name: str, steps: int, *, captured: bool = False) -> _Computed:
    """Return what a training computed, in the order in which it did: losses by step, then the weights."""
    trial = build_trial(bench, name)
    update = bench.engine.capture(trial.update) if captured else trial.update
    computed = {
        f"the loss of step {step}": np.array(bench.host(update(*trial.batch())))
        for step in range(1, steps + 1)
    }
    for parameter, value in trial.model.named_parameters():
        computed[f"the weight {parameter}"] = np.array(bench.host(value))
    return computed


def find_difference(first: _Computed, second: _Computed) -> tuple[str, int]:
    """Say what has other bits first, and in how many values; an empty text if nothing has."""
    for what, bits in first.items():
        if bits.tobytes() != second[what].tobytes():
            return f"{what} has other bits in another run", int((bits != second[what]).sum())
    return "", 0

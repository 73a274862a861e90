"""Determinism: the same seed must give the same bits twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.trial import build_trial

__all__ = ["check_same_bits"]


def check_same_bits(bench: Bench) -> Outcome:
    """Train each task twice from the same seed; every loss and every final weight must have the same bits."""
    names = bench.tasks[: bench.of_level(2, len(bench.tasks))]
    steps = bench.of_level(5, 20)
    compared_with = f"{steps} steps of {', '.join(names)} from the same seed"
    for name in names:
        first, second = (_train(bench, name, steps) for _ in range(2))
        for what, bits in first.items():
            if bits.tobytes() != second[what].tobytes():
                wrong = int((bits != second[what]).sum())
                message = f"{name}: {what} has other bits in the second run"
                return Outcome(
                    "error", float(wrong), "differing values", 0.0, compared_with, message
                )
    return Outcome("ok", 0.0, "differing values", 0.0, compared_with)


def _train(bench: Bench, name: str, steps: int) -> dict[str, npt.NDArray[Any]]:
    """Return what a run computed, in the order in which it did: losses by step, then the weights."""
    trial = build_trial(bench, name)
    computed = {
        f"the loss of step {step}": bench.host(trial.step()) for step in range(1, steps + 1)
    }
    for parameter, value in trial.model.named_parameters():
        computed[f"the weight {parameter}"] = np.array(bench.host(value))
    return computed

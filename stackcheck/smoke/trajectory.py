"""Two trainings beside each other, step by step. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Difference", "Trajectory", "compare_trajectories"]

_WEIGHT_FACTOR = 10.0
"""Weights may differ by this much more than losses, which are means over a batch."""
_SMALL_WEIGHT = 0.1
"""Parameters whose largest weight is below this are judged as if it were this: biases begin near zero."""


@dataclass(frozen=True)
class Trajectory:
    """Losses by step, and the weights before the first step and after each one (`0/name`, `1/name`, ...)."""

    losses: Sequence[float]
    weights: Mapping[str, npt.NDArray[Any]]

    def names(self) -> list[str]:
        """Return the names of the parameters."""
        return [key[2:] for key in self.weights if key.startswith("0/")]


@dataclass(frozen=True)
class Difference:
    """What the comparison found. `step` is None where everything agrees, 0 for the weights as loaded."""

    step: int | None
    largest: float
    """Largest relative difference of a loss."""
    parameter: str = ""
    message: str = ""


def compare_trajectories(reference: Trajectory, other: Trajectory, tolerance: float) -> Difference:
    """Return the first step at which a loss or a weight leaves the tolerance, and how far the losses differ at most.

    The weights as loaded must be equal to the bit. A loss may differ by `tolerance` of its size, a weight by ten times
    that of the largest weight of its parameter. Within a step the loss is judged before the weights that it leads to.
    """
    if len(other.losses) != len(reference.losses):
        message = f"{len(other.losses)} steps instead of {len(reference.losses)}"
        return Difference(
            min(len(other.losses), len(reference.losses)) + 1, float("inf"), message=message
        )
    differences = [
        abs(theirs - ours) / max(abs(ours), 1e-12) if np.isfinite(theirs) else float("inf")
        for ours, theirs in zip(reference.losses, other.losses, strict=True)
    ]
    largest = max(differences, default=0.0)
    for step in range(len(differences) + 1):
        if step and not differences[step - 1] <= tolerance:
            message = (
                f"the loss of step {step} is {other.losses[step - 1]:.8g},"
                f" the reference has {reference.losses[step - 1]:.8g}"
            )
            return Difference(step, largest, _farthest(reference, other, step - 1)[1], message)
        share, name, message = _farthest(reference, other, step)
        if not share <= (tolerance * _WEIGHT_FACTOR if step else 0.0):
            return Difference(step, largest, name, message)
    return Difference(None, largest)


def _farthest(reference: Trajectory, other: Trajectory, step: int) -> tuple[float, str, str]:
    """Return the weight that differs most after a step: its share of its parameter's largest, its name, a sentence."""
    worst, name, message = 0.0, "", ""
    for parameter in reference.names():
        ours, theirs = (side.weights.get(f"{step}/{parameter}") for side in (reference, other))
        if ours is None or theirs is None or ours.shape != theirs.shape:
            return float("inf"), parameter, f"{parameter} is missing or has another shape"
        gaps = np.abs(theirs.astype(np.float64) - ours)
        gaps[~np.isfinite(gaps)] = np.inf
        share = float(gaps.max() / max(float(np.abs(ours).max()), _SMALL_WEIGHT))
        if share > worst:
            place = np.unravel_index(int(gaps.argmax()), gaps.shape)
            when = f"after step {step}" if step else "as loaded"
            index = ", ".join(map(str, place))
            worst, name = share, parameter
            message = f"{parameter}[{index}] is {theirs[place]:.8g} {when}, the reference has {ours[place]:.8g}"
    return worst, name, message

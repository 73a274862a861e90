"""The verdict: one status for the run, and the lowest layer that fails. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from stackcheck.model.smoke import LAYERS, PaceResult, ParityResult, StageResult

__all__ = ["find_failing_layer", "judge"]


def judge(
    stages: Sequence[StageResult],
    parity: Sequence[ParityResult],
    table: Sequence[PaceResult] = (),
    *,
    untested_gpu: bool,
) -> Literal["ok", "error", "unknown"]:
    """Return `error` if anything fails, else `unknown` if anything is, nothing ran, or a GPU was left untested."""
    statuses = {result.status for results in (stages, parity, table) for result in results}
    if "error" in statuses:
        return "error"
    if "unknown" in statuses or untested_gpu or "ok" not in statuses:
        return "unknown"
    return "ok"


def find_failing_layer(
    stages: Sequence[StageResult],
    parity: Sequence[ParityResult],
    table: Sequence[PaceResult] = (),
) -> str:
    """Return the lowest layer with an error: what fails above it may follow from it. Empty if none fails."""
    layers = {stage.layer for stage in stages if stage.status == "error"}
    if any(result.status == "error" for result in parity):
        layers.add("framework")
    layers |= {
        "training" if row.subject.startswith("stackgrad") else "framework"
        for row in table
        if row.status == "error"
    }
    return min(layers, key=LAYERS.index, default="")

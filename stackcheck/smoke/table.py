"""The one table: training and inference by each program on each device. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stackcheck.model.smoke import PaceResult
from stackcheck.smoke.jobs import Job
from stackcheck.smoke.told import Told, first_words

__all__ = ["make_rows"]

_LOSS = 0.05
"""How far the last loss may be from the engine's on the CPU, as a share of it: large models in float32."""
_ACCURACY = 0.05


def make_rows(
    subject: str,
    mode: str,
    device: str,
    jobs: Sequence[Job],
    told: Mapping[str, Told],
    reference: Mapping[str, Told],
) -> list[PaceResult]:
    """Make a row for each job of kind `pace`; `reference` is what the engine told on the CPU."""
    return [
        _make_row(subject, mode, device, job, told[job.name], reference[job.name])
        for job in jobs
        if job.kind == "pace"
    ]


def _make_row(
    subject: str, mode: str, device: str, job: Job, told: Told, reference: Told
) -> PaceResult:
    if told.failed:
        return PaceResult(
            subject, device, mode, job.task, "error", message=first_words(told.failed)
        )
    comparable = not reference.failed and len(told.losses) == len(reference.losses)
    faults = _compare(told, reference) if comparable else []
    ratio = None
    if told.step_seconds and reference.step_seconds:
        ratio = reference.step_seconds / told.step_seconds
    return PaceResult(
        subject,
        told.placement.lower() or device,
        mode,
        job.task,
        "error" if faults else "ok",
        told.step_seconds,
        told.inference_seconds,
        told.memory_bytes,
        ratio,
        told.accuracy,
        len(told.losses),
        "; ".join(faults),
    )


def _compare(told: Told, reference: Told) -> list[str]:
    """Return a sentence for each thing that the same training ended with elsewhere."""
    faults = []
    ours, theirs = reference.losses[-1], told.losses[-1]
    if not math.isclose(theirs, ours, rel_tol=_LOSS):
        faults.append(f"the last loss is {theirs:.4g}, stackgrad on the CPU ends at {ours:.4g}")
    if (
        told.accuracy is not None
        and reference.accuracy is not None
        and abs(told.accuracy - reference.accuracy) > _ACCURACY
    ):
        faults.append(
            f"the accuracy is {told.accuracy:.3f}, stackgrad on the CPU has {reference.accuracy:.3f}"
        )
    return faults

"""Results in words: the same in text and in HTML."""

from __future__ import annotations

from collections.abc import Sequence

from stackcheck.model.smoke import PaceResult, ParityResult, SmokeReport, StageResult, TaskResult

__all__ = [
    "PACE_COLUMNS",
    "conclude",
    "describe_pace",
    "describe_parity",
    "describe_stage",
    "describe_task",
    "name_parity",
]

PACE_COLUMNS = ("task", "program", "on", "step ms", "infer ms", "MiB", "ratio", "accuracy")
"""Headings of the one table; from the fourth on they stand over numbers."""
_UNKNOWN = "-"


def describe_stage(stage: StageResult, *, fully: bool = False) -> str:
    """Say what a stage measured, in one line; `fully` with what it was compared with."""
    parts = []
    if stage.value is not None:
        measured = _word(stage.value)
        if stage.reference is not None:
            measured += f" ({'limit' if _is_limit(stage) else 'asked'} {_word(stage.reference)})"
        parts.append(f"{measured} {stage.unit}".rstrip())
    if stage.compared_with and fully:
        parts.append(stage.compared_with)
    parts += [f"{_word(rate)} {name}" for name, rate in (stage.rates or {}).items()]
    return "; ".join(parts)


def _word(number: float) -> str:
    return f"{number:,.0f}" if 100 <= abs(number) < 1e9 else f"{number:.3g}"


def _is_limit(stage: StageResult) -> bool:
    return stage.unit not in {"accuracy", "of peak", "of the baseline"}


def describe_task(task: TaskResult) -> str:
    """Say how a training went."""
    return (
        f"{task.task} on {task.data}: loss {task.loss_first:.4f} to {task.loss_last:.4f} in {task.steps} steps,"
        f" held-out accuracy {task.accuracy:.3f}, {task.steps_per_second:.0f} steps/s"
    )


def name_parity(result: ParityResult) -> str:
    """Name the framework with its version."""
    return " ".join(filter(None, (result.framework, result.version)))


def describe_parity(result: ParityResult) -> str:
    """Say how far a framework is from the reference."""
    if result.largest_difference is None:
        return "not compared"
    return (
        f"losses differ by {result.largest_difference:.2g} at most over {result.steps} steps"
        f" (limit {result.tolerance:.0e})"
    )


def describe_pace(row: PaceResult) -> Sequence[str]:
    """Return the cells of a line of the one table."""
    mode = "" if row.mode == "eager" else f" {row.mode}"
    return (
        row.task,
        f"{row.subject}{mode}",
        row.device,
        _milliseconds(row.step_seconds),
        _milliseconds(row.inference_seconds),
        _UNKNOWN if row.memory_bytes is None else f"{row.memory_bytes / 2**20:,.0f}",
        _UNKNOWN if row.ratio_to_cpu is None else f"{row.ratio_to_cpu:.2f}",
        _UNKNOWN if row.accuracy is None else f"{row.accuracy:.3f}",
    )


def _milliseconds(seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else f"{1e3 * seconds:,.2f}"


def conclude(report: SmokeReport) -> str:
    """Say what the run proves, or which layer fails."""
    took = f"({report.seconds:.1f} s)"
    if report.status == "ok":
        return f"ok: every layer holds on {report.device} {took}"
    if report.status == "unknown":
        return f"unknown: this run cannot judge the machine {took}"
    higher = sorted(
        {
            stage.name
            for stage in report.stages
            if stage.status == "error" and stage.layer != report.failing_layer
        }
    )
    text = f"error: the layer that fails is {report.failing_layer} {took}"
    return f"{text}; it may be why these fail too: {', '.join(higher)}" if higher else text

"""The report as text, and the progress of a run on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stackcheck.model.smoke import ParityResult, SmokeReport, StageResult, TaskResult
from stackcheck.smoke.curve import draw_curve

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["ProgressListener", "describe_stage", "print_report", "show_progress"]

_COLOURS = {"ok": "green", "error": "red", "unknown": "yellow", "skipped": "dim"}
_CURVE_WIDTH, _CURVE_HEIGHT = 48, 4


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


def print_report(report: SmokeReport, console: Console) -> None:
    """Print the whole report."""
    from rich.text import Text

    console.print(f"train-smoke {report.level} on {report.device}, seed {report.seed}")
    width = max((len(stage.name) for stage in report.stages), default=0)
    for stage in report.stages:
        line = Text("  ")
        line.append(f"{stage.status:<8}", _COLOURS[stage.status])
        line.append(f"{stage.name:<{width}}  {stage.seconds:6.2f} s  {describe_stage(stage)}")
        console.print(line)
        if stage.message:
            console.print(Text(f"            {stage.layer}: {stage.message}"))
    for task in report.tasks:
        _print_task(task, console)
    for result in report.parity:
        _print_parity(result, console)
    console.print()
    for note in report.notes:
        console.print(Text(f"note: {note}"))
    console.print(Text(_conclude(report), _COLOURS[report.status]))


def _print_task(task: TaskResult, console: Console) -> None:
    console.print()
    console.print(
        f"  {task.task} on {task.data}: loss {task.loss_first:.4f} to {task.loss_last:.4f} in {task.steps} steps,"
        f" held-out accuracy {task.accuracy:.3f}, {task.steps_per_second:.0f} steps/s"
    )
    braille = console.is_terminal and console.encoding.lower().startswith("utf")
    lines = draw_curve(task.losses, _CURVE_WIDTH, _CURVE_HEIGHT, braille=braille)
    labels = [f"{max(task.losses, default=0.0):8.3f}", *[" " * 8] * (len(lines) - 2), f"{0.0:8.3f}"]
    for label, line in zip(labels, lines, strict=True):
        console.print(f"  {label} |{line}", markup=False)


def _print_parity(result: ParityResult, console: Console) -> None:
    from rich.text import Text

    line = Text("  ")
    line.append(f"{result.status:<8}", _COLOURS[result.status])
    name = " ".join(filter(None, (result.framework, result.version)))
    text = f"{name}, {result.task}, {result.mode}"
    if result.placement:
        text += f" on {result.placement}"
    if result.largest_difference is not None:
        text += (
            f": losses differ by {result.largest_difference:.2g} at most"
            f" over {result.steps} steps (limit {result.tolerance:.0e})"
        )
    if result.step_seconds and result.reference_step_seconds:
        ours, theirs = (
            _word(1e3 * s) for s in (result.reference_step_seconds, result.step_seconds)
        )
        text += f"; {theirs} ms a step (reference {ours})"
    line.append(text)
    console.print(line)
    if result.message:
        console.print(Text(f"            {result.message}"))


def _conclude(report: SmokeReport) -> str:
    if report.status == "ok":
        return f"ok: every layer holds on {report.device} ({report.seconds:.1f} s)"
    if report.status == "unknown":
        return f"unknown: this run cannot judge the machine ({report.seconds:.1f} s)"
    higher = sorted(
        {
            stage.name
            for stage in report.stages
            if stage.status == "error" and stage.layer != report.failing_layer
        }
    )
    text = f"error: the layer that fails is {report.failing_layer} ({report.seconds:.1f} s)"
    return f"{text}; it may be why these fail too: {', '.join(higher)}" if higher else text


class ProgressListener:
    """Shows stages and live losses as progress bars."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar: TaskID | None = None

    def begin(self, name: str) -> None:
        """Show that a stage begins."""
        self._bar = self._progress.add_task(name, total=None, loss="")

    def progress(self, event: Mapping[str, Any]) -> None:
        """Show the step, the loss and the rate of a training."""
        if self._bar is not None:
            self._progress.update(
                self._bar,
                completed=event["step"],
                total=event["steps"],
                loss=f"loss {event['loss']:.4f}  {event['rate']:.0f} steps/s",
            )

    def finish(self, result: StageResult) -> None:
        """Show how a stage ended."""
        if self._bar is not None:
            self._progress.update(
                self._bar, total=1, completed=1, loss=f"{result.status}  {result.seconds:.1f} s"
            )
            self._bar = None


@contextmanager
def show_progress(*, quiet: bool, no_color: bool) -> Iterator[ProgressListener]:
    """Show progress on standard error while the block runs; nothing without a terminal or where asked to be quiet."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True, no_color=no_color)
    columns = TextColumn("{task.description:<24}"), BarColumn(20), TextColumn("{task.fields[loss]}")
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as progress:
        yield ProgressListener(progress)

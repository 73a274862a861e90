"""The report as text, and the progress of a run on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from stackcheck.model.smoke import PaceResult, ParityResult, SmokeReport, StageResult, TaskResult
from stackcheck.smoke.curve import draw_curve
from stackcheck.smoke.wording import (
    PACE_COLUMNS,
    conclude,
    describe_pace,
    describe_parity,
    describe_stage,
    describe_task,
    name_parity,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["ProgressListener", "print_report", "show_progress"]

_COLOURS = {"ok": "green", "error": "red", "unknown": "yellow", "skipped": "dim"}
_CURVE_WIDTH, _CURVE_HEIGHT = 48, 4
_NUMBERS_FROM = 3
_INDENT, _STATUS_WIDTH, _NARROWEST = 12, 10, 24


def print_report(report: SmokeReport, console: Console) -> None:
    """Print the whole report."""
    console.print(f"train-smoke {report.level} on {report.device}, seed {report.seed}")
    width = max((len(stage.name) for stage in report.stages), default=0)
    for stage in report.stages:
        head = f"{stage.name:<{width}}  {stage.seconds:6.2f} s  "
        _print_line(stage.status, head, describe_stage(stage), console)
        if stage.message:
            _print_below(f"{stage.layer}: {stage.message}", console)
        if stage.explanation:
            _print_below(stage.explanation, console)
    for task in report.tasks:
        _print_task(task, console)
    if report.parity:
        console.print("\nbeside the engine on the CPU, from the same weights on the same batches:")
    for result in report.parity:
        _print_parity(result, console)
    _print_table(report.table, console)
    console.print()
    for note in report.notes:
        _print_below(f"note: {note}", console, indent=0)
    console.print(conclude(report), style=_COLOURS[report.status], markup=False)


def _print_line(status: str, head: str, text: str, console: Console) -> None:
    """Print a status and a text, of which further lines stand below its first word."""
    from rich.text import Text

    body = _fold(text, _STATUS_WIDTH + len(head), console)
    line = Text.assemble("  ", (f"{status:<8}", _COLOURS[status]), f"{head}{body}".rstrip())
    console.print(line)


def _print_below(text: str, console: Console, indent: int = _INDENT) -> None:
    console.print(f"{' ' * indent}{_fold(text, indent, console)}", markup=False)


def _fold(text: str, indent: int, console: Console) -> str:
    """Break a text for a terminal, with all lines but the first indented; elsewhere it stays one line."""
    if not console.is_terminal:
        return text
    lines = wrap(text, max(_NARROWEST, console.width - indent), break_long_words=False)
    return f"\n{' ' * indent}".join(lines)


def _print_task(task: TaskResult, console: Console) -> None:
    console.print()
    _print_below(describe_task(task), console, indent=2)
    braille = console.is_terminal and console.encoding.lower().startswith("utf")
    lines = draw_curve(task.losses, _CURVE_WIDTH, _CURVE_HEIGHT, braille=braille)
    labels = [f"{max(task.losses, default=0.0):8.3f}", *[" " * 8] * (len(lines) - 2), f"{0.0:8.3f}"]
    for label, line in zip(labels, lines, strict=True):
        console.print(f"  {label} |{line}", markup=False)


def _print_parity(result: ParityResult, console: Console) -> None:
    where = f" on {result.placement}" if result.placement else ""
    text = f"{name_parity(result)}, {result.task}, {result.mode}{where}: {describe_parity(result)}"
    _print_line(result.status, "", text, console)
    for line in filter(None, (result.message, result.explanation)):
        _print_below(line, console)


def _print_table(rows: Sequence[PaceResult], console: Console) -> None:
    """Print the one table: a line for each task and program, those of a task together."""
    if not rows:
        return
    console.print("\none model, trained and asked; ratio: times as fast as stackgrad on the CPU")
    tasks = list(dict.fromkeys(row.task for row in rows))
    ordered = sorted(rows, key=lambda row: tasks.index(row.task))
    cells = [PACE_COLUMNS, *map(describe_pace, ordered)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    statuses = ["", *(row.status for row in ordered)]
    messages = ["", *(row.message for row in ordered)]
    for status, line, message in zip(statuses, cells, messages, strict=True):
        text = "  ".join(
            f"{cell:<{width}}" if place < _NUMBERS_FROM else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        console.print(
            f"  {text}", style=_COLOURS["error"] if status == "error" else "", markup=False
        )
        if message:
            _print_below(message, console)


class ProgressListener:
    """Shows stages and live losses as progress bars."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar: TaskID | None = None

    def begin(self, name: str) -> None:
        """Show that a stage begins."""
        self._bar = self._progress.add_task(name, total=None, loss="")

    def progress(self, event: Mapping[str, Any]) -> None:
        """Show the step, the loss and the rate of a training, or the event's own `text`."""
        if self._bar is not None:
            usual = f"loss {event['loss']:.4f}  {event['rate']:.0f} steps/s"
            self._progress.update(
                self._bar,
                completed=event["step"],
                total=event["steps"],
                loss=event.get("text", usual),
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

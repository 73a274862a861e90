"""A training over several ranks, as text and as a document, and its progress on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.fleet.ranks.ensemble import Ensemble
    from stackcheck.fleet.ranks.report import RankReport

__all__ = ["print_ranks", "ranks_document", "show_ranks"]

_ROWS = 16
"""So many rows are printed when all is well; of a thousand ranks only those that are not."""


def ranks_document(report: RankReport) -> Mapping[str, Any]:
    """Return the report as JSON has it: every rank in `ranks`."""
    content = asdict(report)
    rows = content.pop("rows")
    return {**content, "ranks": rows}


def print_ranks(report: RankReport, console: Console) -> None:
    """Print the ranks, what is wrong, and the verdict."""
    shown = [row for row in report.rows if row.state != "ok" or len(report.rows) <= _ROWS]
    for row in shown:
        parts = [f"rank {row.rank}", *filter(None, (row.node, row.device)), row.state]
        if row.step_seconds is not None:
            parts.append(f"{1e3 * row.step_seconds:.2f} ms a step")
        console.print("  " + "  ".join(parts), markup=False)
        if row.message:
            console.print(f"      {row.message}", markup=False)
    if report.loss_first is not None and report.loss_last is not None:
        text = f"{report.backend}: loss {report.loss_first:.4f} to {report.loss_last:.4f} in {report.steps} steps"
        if report.largest_difference is not None:
            text += f"; from one process on the joined batch it differs by {report.largest_difference:.1e} relative"
        console.print(text, markup=False)
    if report.bus_bytes_per_second is not None:
        console.print(f"all-reduce: {report.bus_bytes_per_second / 1e9:.2f} GB/s on the bus")
    for problem in report.problems:
        console.print(f"error: {problem}", markup=False)
    for warning in report.warnings:
        console.print(f"warning: {warning}", markup=False)
    well = sum(row.state in ("ok", "slow") for row in report.rows)
    console.print(
        f"{report.status}: {well} of {len(report.rows)} ranks hold ({report.seconds:.1f} s)"
    )


@contextmanager
def show_ranks(*, quiet: bool, no_color: bool) -> Iterator[Callable[[Ensemble], None]]:
    """Show how many ranks have joined and what step they are at, while the block runs; only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True, no_color=no_color)
    columns = TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[told]}")
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as progress:
        bar = progress.add_task("ranks", total=None, told="")

        def show(ensemble: Ensemble) -> None:
            joined = sum(rank.progress[0] >= 2 for rank in ensemble.seen)
            step = min(rank.reduced for rank in ensemble.seen)
            told = f"{joined} of {len(ensemble.seen)} joined, step {step}"
            progress.update(bar, total=len(ensemble.seen), completed=joined, told=told)

        yield show

"""The report as one HTML file that needs nothing else: loss curves are inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from stackcheck.model.smoke import PaceResult, SmokeReport, TaskResult
from stackcheck.smoke.wording import (
    PACE_COLUMNS,
    describe_pace,
    describe_parity,
    describe_stage,
    describe_task,
    name_parity,
)

__all__ = ["render_page"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
table { border-collapse: collapse; width: 100% }
td:last-child { white-space: nowrap }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
.pace td:nth-child(n+4), .pace th:nth-child(n+4) { text-align: right; font-variant-numeric: tabular-nums }
.pace tr.ok { color: inherit } tbody + tbody tr:first-child td { border-top: 2px solid #bbb }
.ok { color: #17692f } .error { color: #b3261e } .unknown { color: #7a5900 } .skipped { color: #666 }
svg { width: 100%; max-width: 30rem; height: auto }
polyline { fill: none; stroke: #1a5fb4; stroke-width: 1.5 }
text { text-anchor: end; font: 10px system-ui, sans-serif; fill: #555 }
figure { margin: 1rem 0 }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818 } th, td { border-color: #444 } polyline { stroke: #78aeed }
  .ok { color: #7fd694 } .error { color: #ff8a80 } .unknown { color: #f5c542 } text { fill: #aaa }
}
"""
_WIDTH, _HEIGHT = 400, 120


def render_page(report: SmokeReport) -> str:
    """Return the whole page."""
    stages = "".join(
        _row(
            stage.status,
            stage.name,
            stage.layer,
            describe_stage(stage, fully=True),
            f"{stage.seconds:.2f} s",
            notes=(stage.message, stage.explanation),
        )
        for stage in report.stages
    )
    parity = "".join(
        _row(
            result.status,
            name_parity(result),
            f"{result.task}, {result.mode}",
            describe_parity(result),
            result.placement,
            notes=(result.message, result.explanation),
        )
        for result in report.parity
    )
    against = ""
    if parity:
        against = _table(
            "Beside the engine, step by step", ("Framework", "Task", "Found", "Device"), parity
        )
    failing = f", failing layer: {escape(report.failing_layer)}" if report.failing_layer else ""
    summary = f"Level {report.level} on {report.device}, seed {report.seed}, {report.seconds:.1f} s"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>StackCheck train-smoke: {report.status}</title><style>{_STYLE}</style></head><body>\n"
        f'<h1>train-smoke: <span class="{report.status}">{report.status}</span></h1>\n'
        f"<p>{escape(summary)}{failing}</p>\n"
        + "".join(f"<p>{escape(note)}</p>\n" for note in report.notes)
        + _table("Stages", ("Stage", "Layer", "Measured", "Time"), stages)
        + against
        + _draw_table(report.table)
        + f"<h2>Training</h2>\n{''.join(map(_draw, report.tasks))}</body></html>\n"
    )


def _table(title: str, columns: tuple[str, ...], rows: str) -> str:
    heads = "".join(f"<th>{name}</th>" for name in ("Status", *columns))
    return f"<h2>{title}</h2>\n<table><tr>{heads}</tr>\n{rows}</table>\n"


def _row(
    status: str, name: str, kind: str, measured: str, last: str, *, notes: tuple[str, ...]
) -> str:
    below = "".join(f"<br>{escape(note)}" for note in notes if note)
    return (
        f'<tr><td class="{status}">{status}</td><td>{escape(name)}</td><td>{escape(kind)}</td>'
        f"<td>{escape(measured)}{below}</td><td>{escape(last)}</td></tr>\n"
    )


def _draw_table(rows: Sequence[PaceResult]) -> str:
    """Return the one table, a body for each task."""
    if not rows:
        return ""
    heads = "".join(f"<th>{name}</th>" for name in PACE_COLUMNS)
    bodies = "".join(
        f"<tbody>{''.join(map(_draw_pace, group))}</tbody>\n"
        for task in dict.fromkeys(row.task for row in rows)
        if (group := [row for row in rows if row.task == task])
    )
    return (
        "<h2>One model, trained and asked</h2>\n<p>Ratio: times as fast as stackgrad on the CPU.</p>\n"
        f'<table class="pace"><tr>{heads}</tr>\n{bodies}</table>\n'
    )


def _draw_pace(row: PaceResult) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in describe_pace(row))
    line = f'<tr class="{row.status}">{cells}</tr>\n'
    if not row.message:
        return line
    return f'{line}<tr class="error"><td colspan="{len(PACE_COLUMNS)}">{escape(row.message)}</td></tr>\n'


def _draw(task: TaskResult) -> str:
    """Draw one loss curve, from zero to the largest loss."""
    caption = describe_task(task)
    losses = [loss for loss in task.losses if math.isfinite(loss)]
    top = max(losses, default=0.0) or 1.0
    points = " ".join(
        f"{_WIDTH * index / max(1, len(losses) - 1):.1f},{_HEIGHT * (1 - loss / top):.1f}"
        for index, loss in enumerate(losses)
    )
    return (
        f'<figure><svg viewBox="-44 -6 {_WIDTH + 48} {_HEIGHT + 12}" role="img" aria-label="{escape(caption)}">'
        f'<polyline points="{points}"/><text x="-4" y="4">{top:.3f}</text><text x="-4" y="{_HEIGHT}">0</text></svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n"
    )

"""The report for people at a terminal: a line a layer, then the findings, each with its fix as a command."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import typer

from stackcheck.model.diagnosis import Check, Diagnosis
from stackcheck.model.finding import Finding
from stackcheck.render.stack import RowStatus, describe_machine, rows_of

__all__ = ["Palette", "render_text", "summarise"]

_GLYPHS: dict[RowStatus, tuple[str, str, str]] = {
    "ok": ("✓", "+", "green"),
    "info": ("i", "i", "cyan"),
    "warning": ("!", "!", "yellow"),
    "error": ("✗", "x", "red"),
    "unknown": ("?", "?", "magenta"),
    "skipped": ("-", "-", "bright_black"),
}
_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
_MOST_UNDECIDED = 4


class Palette:
    """Colours and glyphs, or none of either: the report reads the same."""

    def __init__(self, *, colour: bool = False, unicode: bool = False) -> None:
        self.colour = colour
        self.unicode = unicode

    def paint(self, text: str, colour: str, *, bold: bool = False) -> str:
        """Return the text in a colour, on a terminal."""
        return typer.style(text, fg=colour, bold=bold) if self.colour else text

    def glyph(self, status: RowStatus) -> str:
        """Return the mark of a layer's status."""
        rich, plain, colour = _GLYPHS[status]
        return self.paint(rich if self.unicode else plain, colour)


def render_text(
    diagnosis: Diagnosis, *, palette: Palette | None = None, width: int = 80, verbose: int = 0
) -> str:
    """Return the report. `verbose` lists every undecided rule, and from 2 on the tracebacks of crashed ones."""
    palette = palette or Palette()
    lines = [*_head(diagnosis, width), *_layers(diagnosis, palette, width)]
    for finding in diagnosis.findings:
        if finding.severity == "info" and not verbose:
            lines += ["", *_remark(finding, palette, width)]
        else:
            lines += ["", *_finding(finding, palette, width)]
    lines += [
        *_undecided(diagnosis, palette, width, verbose),
        *_crashed(diagnosis, palette, verbose),
    ]
    return "\n".join([*lines, "", summarise(diagnosis), ""])


def summarise(diagnosis: Diagnosis) -> str:
    """Return the last line: counts, and the command that tells more."""
    errors = sum(finding.severity == "error" for finding in diagnosis.findings)
    warnings = sum(finding.severity == "warning" for finding in diagnosis.findings)
    checks = (
        f"{diagnosis.count('pass')} checks passed, {diagnosis.count('skipped')} do not apply here"
    )
    if undecided := diagnosis.count("unknown"):
        checks += f", {undecided} undecided"
    if diagnosis.status in ("ok", "unknown") and not (errors or warnings):
        verdict = (
            "no problem found" if diagnosis.status == "ok" else "cannot tell: see what is unknown"
        )
        return f"{verdict}; {checks}"
    more = diagnosis.findings[0].code
    found = f"{_number(errors, 'error')}, {_number(warnings, 'warning')}"
    return f"{found}; {checks}\n`stackcheck explain {more}` tells more"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _wrap(text: str, width: int, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _head(diagnosis: Diagnosis, width: int) -> Iterator[str]:
    if machine := describe_machine(diagnosis.machine):
        yield from _wrap(machine, width, "", "  ")
    environment = diagnosis.machine.environment.peek()
    if environment:
        by = f" (by {environment.chosen_by})" if environment.chosen_by else ""
        yield from _wrap(f"environment {environment.prefix}{by}", width, "", "  ")
    if diagnosis.horizon_exceeded:
        yield from _wrap(
            f"note: the knowledge is of {diagnosis.knowledge_as_of}, and something here may be newer",
            width,
            "",
            "  ",
        )
    yield ""


def _layers(diagnosis: Diagnosis, palette: Palette, width: int) -> Iterator[str]:
    rows = rows_of(diagnosis)
    longest = max((len(row.layer.label) for row in rows), default=0)
    for row in rows:
        text = textwrap.shorten(row.text, max(width - longest - 5, 20), placeholder=" ...")
        yield f"{palette.glyph(row.status)} {row.layer.label:{longest}}  {text}".rstrip()


def _remark(finding: Finding, palette: Palette, width: int) -> Iterator[str]:
    """Information takes two lines: the report of a healthy machine stays short."""
    mark = f"{finding.severity}[{finding.code}]"
    title = _wrap(finding.title, width, f"{mark}: ", "  ")
    yield from [title[0].replace(mark, palette.paint(mark, _COLOURS["info"]), 1), *title[1:]]
    for command in finding.fix.commands[:1]:
        yield f"    {palette.paint(command, 'green')}"


def _finding(finding: Finding, palette: Palette, width: int) -> Iterator[str]:
    mark = f"{finding.severity}[{finding.code}]"
    title = _wrap(finding.title, width, f"{mark}: ", "  ")
    coloured = palette.paint(mark, _COLOURS[finding.severity], bold=True)
    yield from [title[0].replace(mark, coloured, 1), *title[1:]]
    longest = min(max((len(line.what) for line in finding.evidence), default=0), 36)
    for line in finding.evidence:
        yield from _wrap(
            f"{line.value}  [{line.source}]",
            width,
            f"  {line.what:{longest}}  ",
            " " * (longest + 4),
        )
    if finding.cause:
        yield from _wrap(finding.cause, width, "  cause: ", "    ")
    for consequence in finding.consequences:
        yield from _wrap(consequence, width, "  so also ", "    ")
    if finding.ruled_out:
        yield from _wrap("; ".join(finding.ruled_out), width, "  ruled out: ", "    ")
    if finding.fix.summary:
        yield ""
        hint = _wrap(finding.fix.summary, width, "hint: ", "  ")
        yield from [hint[0].replace("hint:", palette.paint("hint:", "cyan"), 1), *hint[1:]]
        for command in finding.fix.commands:  # never wrapped, so that they can be copied
            yield f"    {palette.paint(command, 'green')}"
    if finding.verify:
        yield f"  then verify: {palette.paint(finding.verify, 'green')}"


def _undecided(diagnosis: Diagnosis, palette: Palette, width: int, verbose: int) -> Iterator[str]:
    """Say what could not be seen, grouped by the fact that lacked: one missing fact leaves many rules undecided."""
    groups: dict[str, list[str]] = {}
    for check in diagnosis.checks:
        if check.outcome == "unknown":
            groups.setdefault(check.note, []).append(check.code)
    if not groups:
        return
    yield ""
    yield palette.paint("could not be judged", "magenta")
    shown = sorted(groups.items(), key=lambda group: -len(group[1]))
    for note, codes in shown if verbose else shown[:_MOST_UNDECIDED]:
        yield from _wrap(f"{note} ({_some(codes)})", width, "  ", "    ")
    if not verbose and len(shown) > _MOST_UNDECIDED:
        yield f"  and {len(shown) - _MOST_UNDECIDED} more: -v lists them"


def _some(codes: list[str]) -> str:
    return ", ".join(codes[:6]) + (f" and {len(codes) - 6} more" if len(codes) > 6 else "")


def _crashed(diagnosis: Diagnosis, palette: Palette, verbose: int) -> Iterator[str]:
    crashed: Iterable[Check] = [check for check in diagnosis.checks if check.outcome == "crashed"]
    for check in crashed:
        yield ""
        mark = palette.paint(f"crashed[{check.code}]", "red")
        yield f"{mark}: {check.note} (a fault of the rule, not of the machine)"
        if verbose >= 2:
            yield textwrap.indent(check.traceback.rstrip(), "    ")

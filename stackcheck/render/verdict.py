"""The answer of `check`, as text and as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stackcheck.model.finding import Finding
from stackcheck.model.plan import Verdict

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_finding", "print_verdict", "verdict_document", "violation_document"]

_COLOURS = {"works": "green", "fails": "red", "unknown": "yellow"}


def violation_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as other programs read a violation."""
    return {
        "code": finding.code,
        "reason": finding.reason,
        "message": finding.title,
        "subject": finding.subject,
        "severity": finding.severity,
        "evidence": [
            {"what": each.what, "value": each.value, "source": each.source}
            for each in finding.evidence
        ],
        "cause": finding.cause,
        "fix": {"summary": finding.fix.summary, "commands": list(finding.fix.commands)},
    }


def verdict_document(verdict: Verdict) -> Mapping[str, Any]:
    """Return the verdict in the form of the contract."""
    return {
        "verdict": verdict.verdict,
        "violations": [violation_document(finding) for finding in verdict.violations],
        "warnings": [violation_document(finding) for finding in verdict.warnings],
        "assumed": list(verdict.assumed),
        "unknown": list(verdict.unknown),
        "builds": [build.label for build in verdict.builds],
    }


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print the verdict for people: what, why, the fix."""
    subject = ", ".join(build.label for build in verdict.builds)
    colour = _COLOURS[verdict.verdict]
    console.print(
        f"[{colour}]{verdict.verdict}[/{colour}]{': ' if subject else ''}{subject}", highlight=False
    )
    for finding in (*verdict.violations, *verdict.warnings):
        print_finding(finding, console)
    for text in verdict.unknown:
        console.print(f"  [yellow]unknown[/yellow]: {text}", markup=True, highlight=False)
    if verdict.assumed:
        console.print(
            f"  assumed, since nobody said otherwise: {'; '.join(verdict.assumed)}", markup=False
        )


def print_finding(finding: Finding, console: Console) -> None:
    """Print one finding: code and title, evidence, then the fix as a hint."""
    from rich.markup import escape

    colour = "red" if finding.severity == "error" else "yellow"
    console.print(
        f"[{colour}]{finding.severity}[{finding.code}][/{colour}]: ".replace(
            f"[{finding.code}]", escape(f"[{finding.code}]")
        )
        + escape(finding.title)
    )
    for each in finding.evidence:
        console.print(
            f"  {each.what}: {each.value}  ({each.source})", markup=False, highlight=False
        )
    if finding.fix.summary:
        console.print(f"  [cyan]hint[/cyan]: {escape(finding.fix.summary)}", highlight=False)
    for command in finding.fix.commands:
        console.print(f"    {command}", markup=False, highlight=False)

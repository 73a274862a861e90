"""Markdown to paste into an issue: the findings open, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator

from stackcheck import __version__
from stackcheck.model.diagnosis import Diagnosis
from stackcheck.model.finding import Finding
from stackcheck.render.stack import describe_machine, rows_of
from stackcheck.render.text import summarise

__all__ = ["render_markdown"]


def render_markdown(diagnosis: Diagnosis) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    lines = [f"## StackCheck: {diagnosis.status}", ""]
    if machine := describe_machine(diagnosis.machine):
        lines += [_escape(machine), ""]
    lines += ["| Layer | Status | What is there |", "| --- | --- | --- |"]
    lines += [
        f"| {_escape(row.layer.label)} | {row.status} | {_escape(row.text)} |"
        for row in rows_of(diagnosis)
    ]
    for finding in diagnosis.findings:
        lines += ["", *_finding(finding)]
    lines += ["", _escape(summarise(diagnosis).partition("\n")[0])]
    unjudged = [check for check in diagnosis.checks if check.outcome in ("unknown", "crashed")]
    if unjudged:
        lines += ["", "<details><summary>What could not be judged</summary>", ""]
        lines += [f"- {check.code} {check.outcome}: {_escape(check.note)}" for check in unjudged]
        lines += ["", "</details>"]
    knowledge = f", knowledge of {diagnosis.knowledge_as_of}" if diagnosis.knowledge_as_of else ""
    return "\n".join([*lines, "", f"<sub>stackcheck {__version__}{knowledge}</sub>", ""])


def _finding(finding: Finding) -> Iterator[str]:
    yield f"### {finding.severity} {finding.code}: {_escape(finding.title)}"
    if finding.evidence:
        yield from ("", "| Seen | Value | Where |", "| --- | --- | --- |")
        for line in finding.evidence:
            yield f"| {_escape(line.what)} | {_escape(line.value)} | {_escape(line.source)} |"
    if finding.cause:
        yield from ("", f"**Cause.** {_escape(finding.cause)}")
    if finding.consequences:
        yield from ("", "**So also**", "")
        yield from (f"- {_escape(consequence)}" for consequence in finding.consequences)
    if finding.fix.summary:
        yield from ("", f"**Fix.** {_escape(finding.fix.summary)}")
    if finding.fix.commands:
        yield from ("", "```sh", *finding.fix.commands, "```")
    if finding.verify:
        yield from ("", f"**Verify.** `{finding.verify}`")
    if finding.ruled_out:
        yield from ("", f"**Ruled out.** {_escape('; '.join(finding.ruled_out))}")


def _escape(text: str) -> str:
    """Keep pipes, tags and emphasis of foreign text from becoming markup."""
    for mark in ("\\", "|", "<", ">", "*", "_", "`", "[", "]"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")

"""JUnit XML: one test case per rule, so that a CI page lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from stackcheck.model.finding import Finding

if TYPE_CHECKING:
    from stackcheck.model.diagnosis import Check, Diagnosis

__all__ = ["render_junit"]

_FORBIDDEN = {code: None for code in range(32) if code not in (9, 10, 13)}


def render_junit(diagnosis: Diagnosis) -> str:
    """Return one test suite. A finding fails its case; unknown and crashed are errors, never passes."""
    by_code = {finding.code: finding for finding in diagnosis.findings}
    folded = {
        text.partition(":")[0]: finding
        for finding in diagnosis.findings
        for text in finding.consequences
    }
    outcomes = [check.outcome for check in diagnosis.checks]
    failures = sum(
        1 for check in diagnosis.checks if (found := by_code.get(check.code)) and _fails(found)
    )
    head = (
        f'<testsuite name="stackcheck doctor" tests="{len(outcomes)}" failures="{failures}"'
        f' errors="{outcomes.count("unknown") + outcomes.count("crashed")}"'
        f' skipped="{outcomes.count("skipped")}"'
        f' time="{sum(check.seconds for check in diagnosis.checks):.4f}">'
    )
    cases = [_case(check, by_code, folded) for check in diagnosis.checks]
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>", ""))


def _fails(finding: Finding) -> bool:
    return finding.severity != "info"


def _case(check: Check, by_code: dict[str, Finding], folded: dict[str, Finding]) -> str:
    name = quoteattr(f"{check.code} {check.title}".strip())
    start = f'  <testcase classname="stackcheck.{check.layer or "plugin"}" name={name} time="{check.seconds:.4f}"'
    finding = by_code.get(check.code)
    if finding:
        body = "\n".join(
            (
                finding.title,
                *(f"{line.what}: {line.value} [{line.source}]" for line in finding.evidence),
                f"cause: {finding.cause}",
                f"fix: {finding.fix.summary}",
                *finding.fix.commands,
                *finding.consequences,
            )
        )
        tag = "failure" if _fails(finding) else "system-out"
        kind = f" type={_attribute(finding.reason)} message={_attribute(finding.title)}"
        return f"{start}>\n    <{tag}{kind if tag == 'failure' else ''}>{_text(body)}</{tag}>\n  </testcase>"
    if check.outcome == "finding":
        cause = folded.get(check.code)
        note = f"follows from {cause.code}: {cause.title}" if cause else "see the findings"
        return f"{start}>\n    <skipped message={_attribute(note)}/>\n  </testcase>"
    if check.outcome == "skipped":
        return f"{start}>\n    <skipped message={_attribute(check.note)}/>\n  </testcase>"
    if check.outcome in ("unknown", "crashed"):
        return f'{start}>\n    <error type="{check.outcome}" message={_attribute(check.note)}/>\n  </testcase>'
    return f"{start}/>"


def _attribute(text: str) -> str:
    return quoteattr(text.translate(_FORBIDDEN))


def _text(text: str) -> str:
    return escape(text.translate(_FORBIDDEN))

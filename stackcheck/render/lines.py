"""The short formats: annotations for GitHub, one line for a scheduler's drain reason, metrics for Prometheus."""

from __future__ import annotations

from stackcheck.model.diagnosis import Diagnosis, Outcome

__all__ = ["render_github", "render_prometheus", "render_reason"]

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
_STATUSES = ("ok", "warning", "error", "unknown")
_OUTCOMES: tuple[Outcome, ...] = ("pass", "finding", "unknown", "skipped", "crashed")


def render_github(diagnosis: Diagnosis) -> str:
    """Return one workflow command per finding, and one for what could not be judged."""
    lines = []
    for finding in diagnosis.findings:
        text = "\n".join(
            part
            for part in (finding.title, finding.cause, finding.fix.summary, *finding.fix.commands)
            if part
        )
        title = _property(f"StackCheck {finding.code}")
        lines.append(f"::{_COMMANDS[finding.severity]} title={title}::{_message(text)}")
    unjudged = [check for check in diagnosis.checks if check.outcome in ("unknown", "crashed")]
    if unjudged:
        text = "\n".join(f"{check.code}: {check.note}" for check in unjudged)
        lines.append(f"::notice title=StackCheck could not judge::{_message(text)}")
    return "\n".join([*lines, ""]) if lines else ""


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def render_reason(diagnosis: Diagnosis) -> str:
    """Return the gravest thing in one line, as `scontrol ... Reason=` takes it."""
    for finding in diagnosis.findings:
        if finding.severity != "info":
            return f"{finding.severity} {finding.code} {finding.reason}: {' '.join(finding.title.split())}\n"
    if diagnosis.status == "unknown":
        lacking = next(
            check
            for check in diagnosis.checks
            if check.outcome in ("unknown", "crashed")
            and check.code.startswith(("KM", "DV", "DR", "HW"))
        )
        return f"unknown {lacking.code}: {' '.join(lacking.note.split())}\n"
    return "ok\n"


def render_prometheus(diagnosis: Diagnosis) -> str:
    """Return metrics in Prometheus' text format, for the node exporter's textfile collector."""
    lines = [
        "# HELP stackcheck_status Status of the stack: 1 for the one that holds.",
        "# TYPE stackcheck_status gauge",
        *(
            f'stackcheck_status{{status="{status}"}} {int(status == diagnosis.status)}'
            for status in _STATUSES
        ),
        "# HELP stackcheck_finding Root causes that doctor found.",
        "# TYPE stackcheck_finding gauge",
        *dict.fromkeys(
            f'stackcheck_finding{{code="{_label(finding.code)}",reason="{_label(finding.reason)}",'
            f'severity="{finding.severity}",layer="{_label(finding.layer)}",subject="{_label(finding.subject)}"}} 1'
            for finding in diagnosis.findings
        ),
        "# HELP stackcheck_checks Rules by outcome.",
        "# TYPE stackcheck_checks gauge",
        *(
            f'stackcheck_checks{{outcome="{outcome}"}} {diagnosis.count(outcome)}'
            for outcome in _OUTCOMES
        ),
    ]
    return "\n".join([*lines, ""])


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

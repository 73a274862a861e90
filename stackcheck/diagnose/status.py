"""The overall status and the exit status: one place, the same in every format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcheck.model.diagnosis import Check, Diagnosis, Status
from stackcheck.model.finding import Finding

__all__ = ["FAIL_ON", "exit_status", "status_of"]

FAIL_ON = ("error", "warning", "unknown")
"""What `--fail-on` takes, gravest first; each includes those before it."""

_DECISIVE = ("KM", "DV", "DR")
_UNJUDGED = ("unknown", "crashed")


def _is_undecided(check: Check, *, require_gpu: bool) -> bool:
    """Tell whether the stack cannot be called well for want of this judgement."""
    decisive = check.code.startswith(_DECISIVE) or (require_gpu and check.code == "HW-01")
    return decisive and check.outcome in _UNJUDGED


def status_of(
    findings: Sequence[Finding], checks: Iterable[Check], *, require_gpu: bool = False
) -> Status:
    """Return `error`, else `unknown` if a driver-level rule is undecided, else `warning` or `ok`."""
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "error"
    if any(_is_undecided(check, require_gpu=require_gpu) for check in checks):
        return "unknown"
    return "warning" if "warning" in severities else "ok"


def exit_status(diagnosis: Diagnosis, fail_on: str = "error", *, unknown_ok: bool = False) -> int:
    """Return 1 for findings at or above `fail_on`, else 3 if what decides is unknown, else 0.

    With `unknown`, any rule that came to no judgement ends with 3, whatever its layer. `unknown_ok` makes 0 of 3, for
    callers such as Kubernetes' probes that know well and ill alone.
    """
    severities = {finding.severity for finding in diagnosis.findings}
    if "error" in severities or (fail_on != "error" and "warning" in severities):
        return 1
    if unknown_ok:
        return 0
    unjudged = any(check.outcome in _UNJUDGED for check in diagnosis.checks)
    if diagnosis.status == "unknown" or (fail_on == "unknown" and unjudged):
        return 3
    return 0

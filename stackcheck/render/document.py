"""The report for programs: the contract's JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stackcheck.model.diagnosis import Check, Diagnosis
from stackcheck.model.finding import Finding
from stackcheck.probe.facts_file import machine_document

__all__ = ["check_document", "doctor_document", "finding_document"]


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values."""
    return asdict(finding)


def check_document(check: Check, verbose: int = 0) -> dict[str, Any]:
    """Return what became of a rule as plain values; a crash's traceback for those who ask twice for more."""
    document: dict[str, Any] = {
        "code": check.code,
        "outcome": check.outcome,
        "seconds": round(check.seconds, 6),
        "layer": check.layer,
        "title": check.title,
    }
    if check.note:
        document["note"] = check.note
    if check.lacks:
        document["lacks"] = [{"source": fact.source, "reason": fact.reason} for fact in check.lacks]
    if check.traceback and verbose >= 2:
        document["traceback"] = check.traceback
    return document


def doctor_document(diagnosis: Diagnosis, verbose: int = 0) -> dict[str, Any]:
    """Return the content of `stackcheck.doctor/1` without the head that every document has."""
    return {
        "knowledge": {
            "as_of": diagnosis.knowledge_as_of,
            "horizon_exceeded": diagnosis.horizon_exceeded,
        },
        "status": diagnosis.status,
        "target": diagnosis.target,
        "machine": machine_document(diagnosis.machine),
        "findings": [finding_document(finding) for finding in diagnosis.findings],
        "checks": [check_document(check, verbose) for check in diagnosis.checks],
    }

"""The answer to `doctor`: findings, and what became of every rule."""

from __future__ import annotations

from typing import Literal

from stackcheck.model.fact import Unknown
from stackcheck.model.finding import Finding
from stackcheck.model.machine import Machine
from stackcheck.model.record import record

__all__ = ["Check", "Diagnosis", "Outcome", "Status"]

Outcome = Literal["pass", "finding", "unknown", "skipped", "crashed"]
Status = Literal["ok", "warning", "error", "unknown"]


@record(frozen=True)
class Check:
    """What became of one rule."""

    code: str
    outcome: Outcome
    seconds: float
    layer: str = ""
    title: str = ""
    note: str = ""
    """Why it was skipped, which fact it lacked, or how it crashed."""
    lacks: tuple[Unknown, ...] = ()
    traceback: str = ""
    """Of a crashed rule; shown only to those who ask twice for more."""


@record(frozen=True)
class Diagnosis:
    """One machine judged. `findings` are root causes, gravest and lowest layer first."""

    status: Status
    target: str
    """Prefix of the environment that was looked at; empty where there is none."""
    machine: Machine
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    knowledge_as_of: str = ""
    horizon_exceeded: bool = False

    def count(self, outcome: Outcome) -> int:
        """Return how many rules ended so."""
        return sum(check.outcome == outcome for check in self.checks)

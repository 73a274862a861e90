"""One node judged: its facts through every rule, and what that makes of its row."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from stackcheck.diagnose.examination import Plugins, examine
from stackcheck.fleet.node import Node, facts_of
from stackcheck.model.expectation import Expectation
from stackcheck.model.machine import Machine
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["Probed", "judge"]


@record(frozen=True)
class Probed:
    """A node that answered."""

    name: str
    machine: Machine


def judge(
    probed: Probed,
    knowledge: Knowledge,
    expected: Machine | Expectation | None = None,
    plugins: Plugins | None = None,
) -> Node:
    """Return the row of a node that answered; one of which too little is known to be called well is no `ok`."""
    diagnosis = examine(probed.machine, knowledge, expected=expected, plugins=plugins)
    findings = tuple(finding for finding in diagnosis.findings if finding.severity != "info")
    undecided = [check for check in diagnosis.checks if check.outcome in ("unknown", "crashed")]
    detail = f"{len(undecided)} rules undecided" if undecided else ""
    if diagnosis.status == "unknown":
        first = next(check for check in undecided if check.code.startswith(("KM", "DV", "DR")))
        detail = f"could not be judged: {first.code}: {first.note}"
    unjudged = diagnosis.status == "unknown" and not findings
    return Node(
        name=probed.name,
        state="findings" if findings else "probe-failed" if unjudged else "ok",
        age_seconds=_age(probed.machine.time),
        findings=findings,
        detail=detail,
        undecided=len(undecided),
        facts=facts_of(probed.machine),
    )


def _age(text: str) -> int | None:
    try:
        return max(0, round(time.time() - datetime.fromisoformat(text).timestamp()))
    except ValueError:
        return None

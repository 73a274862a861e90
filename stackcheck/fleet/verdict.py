"""What the rows of a fleet come to: one status, and the exit status."""

from __future__ import annotations

from collections.abc import Sequence

from stackcheck.fleet.drift import Drift
from stackcheck.fleet.node import Node
from stackcheck.model.diagnosis import Status

__all__ = ["fleet_exit_status", "fleet_status"]

_FAILED = {"down", "probe-failed", "timeout"}
_UNJUDGED = {"busy", "not-started"}


def fleet_status(nodes: Sequence[Node], drift: Sequence[Drift]) -> Status:
    """Return `error` for a node that is down, does not answer or has an error, else `unknown` for one not judged."""
    severities = {finding.severity for node in nodes for finding in node.findings}
    states = {node.state for node in nodes}
    if "error" in severities or states & _FAILED:
        return "error"
    if states & _UNJUDGED:
        return "unknown"
    return "warning" if "warning" in severities or drift else "ok"


def fleet_exit_status(nodes: Sequence[Node], drift: Sequence[Drift], fail_on: str = "error") -> int:
    """Return 1 for what is at or above `fail_on`, else 3 where a node was not judged, else 0.

    With `unknown`, a rule that came to no judgement on any node ends with 3, too.
    """
    status = fleet_status(nodes, drift)
    warned = bool(drift) or any(node.findings for node in nodes)
    if status == "error" or (fail_on != "error" and warned):
        return 1
    if status == "unknown" or (fail_on == "unknown" and any(node.undecided for node in nodes)):
        return 3
    return 0

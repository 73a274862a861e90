"""A fleet's answer, as text and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackcheck.render.plan import print_resolution, resolution_document

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.fleet.drift import Drift
    from stackcheck.fleet.node import Node
    from stackcheck.fleet.planning import Group

__all__ = ["fleet_document", "plans_document", "print_fleet", "print_plans"]


def fleet_document(nodes: Sequence[Node], drift: Sequence[Drift], status: str) -> Mapping[str, Any]:
    """Return the nodes and their drift in the form of the contract."""
    return {
        "status": status,
        "nodes": [
            {
                "node": node.name,
                "state": node.state,
                "age_s": node.age_seconds,
                "findings": [
                    {
                        "code": each.code,
                        "reason": each.reason,
                        "severity": each.severity,
                        "title": each.title,
                    }
                    for each in node.findings
                ],
                "detail": node.detail or None,
            }
            for node in nodes
        ],
        "drift": [
            {
                "fact": each.fact,
                "majority": each.majority,
                "outliers": [{"node": node, "value": value} for node, value in each.outliers],
            }
            for each in drift
        ],
    }


def print_fleet(nodes: Sequence[Node], drift: Sequence[Drift], console: Console) -> None:
    """Print the nodes that are not well, what differs, and the count of all."""
    for node in nodes:
        if node.state == "ok":
            continue
        console.print(f"{node.name}: {node.state}", markup=False)
        for finding in node.findings:
            console.print(f"  {finding.severity}[{finding.code}]: {finding.title}", markup=False)
        if node.state != "findings" and node.detail:
            console.print(f"  {node.detail}", markup=False)
    for each in drift:
        console.print(
            f"drift in {each.fact}: {each.share} nodes have {each.majority}", markup=False
        )
        for name, value in each.outliers:
            console.print(f"  {name}: {value}", markup=False)
    counts = Counter(node.state for node in nodes)
    told = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    console.print(f"{len(nodes)} nodes: {told}", markup=False)


def plans_document(groups: Sequence[Group]) -> Mapping[str, Any]:
    """Return one entry per environment: its nodes and its plan."""
    return {
        "groups": [
            {"nodes": list(each.nodes), **resolution_document(each.resolution)} for each in groups
        ]
    }


def print_plans(groups: Sequence[Group], console: Console) -> None:
    """Print each environment and the nodes that it holds on."""
    for number, each in enumerate(groups, start=1):
        console.print(f"environment {number}, for {', '.join(each.nodes)}:", markup=False)
        print_resolution(each.resolution, console)

"""A fleet's answer, as text and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackcheck.render.node_names import fold_names, natural_key
from stackcheck.render.plan import print_resolution, resolution_document

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.fleet.drift import Drift
    from stackcheck.fleet.node import Node
    from stackcheck.fleet.planning import Group

__all__ = [
    "describe_age",
    "fleet_document",
    "group_rows",
    "plans_document",
    "print_plans",
    "render_fleet",
]


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
                "unknown": list(each.unknown),
            }
            for each in drift
        ],
    }


def render_fleet(nodes: Sequence[Node], drift: Sequence[Drift]) -> str:
    """Return the count of all, the nodes that are not well, those with the same trouble together, and what differs."""
    counts = Counter(node.state for node in nodes)
    told = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    lines = [f"{len(nodes)} node{'s' * (len(nodes) != 1)}: {told}"]
    for rows in group_rows(nodes):
        first = rows[0]
        lines += ["", f"{fold_names(node.name for node in rows)}: {first.state}"]
        lines += [f"  {each.severity}[{each.code}]: {each.title}" for each in first.findings]
        if first.detail and first.state != "findings":
            lines.append(f"  {first.detail}")
    for each in drift:
        lines += ["", f"drift in {each.fact}: {each.share} have {each.majority}"]
        lines += [f"  {fold_names(names)}: {value}" for value, names in each.by_value().items()]
    if oldest := max((node.age_seconds or 0 for node in nodes), default=0):
        lines += ["", f"oldest facts: {describe_age(oldest)} old"]
    return "\n".join([*lines, ""])


def group_rows(nodes: Sequence[Node]) -> list[list[Node]]:
    """Return the nodes that are not `ok`, those with the same state, findings and detail together."""
    groups: dict[object, list[Node]] = {}
    for node in sorted(nodes, key=lambda node: natural_key(node.name)):
        if node.state != "ok":
            told = tuple((each.code, each.title) for each in node.findings)
            groups.setdefault((node.state, told, not told and node.detail), []).append(node)
    return list(groups.values())


def describe_age(seconds: int) -> str:
    """Return an age in the largest unit of which there are two."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


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

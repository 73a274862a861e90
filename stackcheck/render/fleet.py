"""A fleet's answer, as text and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackcheck.render.document import finding_document
from stackcheck.render.node_names import fold_names, natural_key
from stackcheck.render.plan import print_resolution, resolution_document

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.fleet.drift import Drift
    from stackcheck.fleet.node import Node
    from stackcheck.fleet.planning import FleetPlan

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
                "findings": [finding_document(each) for each in node.findings],
                "detail": node.detail or None,
            }
            for node in nodes
        ],
        "drift": [
            {
                "fact": each.fact,
                "majority": each.majority,
                "share": each.share,
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


def plans_document(plan: FleetPlan, unanswered: Sequence[Node]) -> Mapping[str, Any]:
    """Return one entry per environment: its nodes, its plan, who would need which driver, who holds others back."""
    return {
        "groups": [
            {
                "nodes": list(each.nodes),
                **resolution_document(each.resolution),
                "older_drivers": [
                    {"change": change, "nodes": list(nodes)} for change, nodes in each.older
                ],
                "held_back_by": [
                    {"nodes": list(brake.nodes), "gains": list(brake.gains)}
                    for brake in each.brakes
                ],
            }
            for each in plan.groups
        ],
        "kinds": plan.kinds,
        "unanswered": [
            {"node": node.name, "state": node.state, "detail": node.detail or None}
            for node in unanswered
        ],
    }


def print_plans(plan: FleetPlan, unanswered: Sequence[Node], console: Console) -> None:
    """Print each environment, the nodes that it holds on, and what would give them more; then the nodes left out."""
    for number, each in enumerate(plan.groups, start=1):
        head = f"environment {number}" if each.resolution.plan else "no environment"
        told = f"{head}, for {fold_names(each.nodes)} ({len(each.nodes)} nodes):"
        console.print(told, markup=False)
        print_resolution(each.resolution, console)
        for change, nodes in each.older:
            console.print(f"  {change} is missing on {fold_names(nodes)}", markup=False)
        for brake in each.brakes:
            told = f"  without {fold_names(brake.nodes)}"
            told += f" (driver {brake.driver})" if brake.driver else ""
            console.print(f"{told} the others could have {', '.join(brake.gains)}", markup=False)
    for rows in group_rows(unanswered):
        names = fold_names(node.name for node in rows)
        console.print(f"not planned for {names}: {rows[0].state}: {rows[0].detail}", markup=False)

"""Drift: what differs between nodes that should be alike. The majority is the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from stackcheck.fleet.node import Node

__all__ = ["Drift", "find_drift"]


@dataclass(frozen=True)
class Drift:
    """One fact in which nodes differ: the majority's value, and the others' by node."""

    fact: str
    majority: str
    share: int
    """Nodes that have the majority's value."""
    outliers: tuple[tuple[str, str], ...]
    """(node, value), by node."""


def find_drift(nodes: Iterable[Node]) -> tuple[Drift, ...]:
    """Compare every fact over all nodes that have facts; a fact that a node lacks is `absent` there."""
    judged = [node for node in nodes if node.facts]
    names = dict.fromkeys(name for node in judged for name in node.facts)
    found: list[Drift] = []
    for name in names:
        values = {node.name: node.facts.get(name, "absent") for node in judged}
        counts = Counter(values.values())
        if len(counts) < 2:
            continue
        majority = min(counts, key=lambda value: (-counts[value], value))
        outliers = tuple(
            (node, value) for node, value in sorted(values.items()) if value != majority
        )
        found.append(Drift(name, majority, counts[majority], outliers))
    return tuple(found)

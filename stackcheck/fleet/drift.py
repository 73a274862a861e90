"""Drift: what differs between nodes that should be alike. The majority is the reference, or a machine that is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from stackcheck.fleet.node import Node
from stackcheck.model.record import record

__all__ = ["Drift", "find_drift"]


@record(frozen=True)
class Drift:
    """One fact in which nodes differ: the majority's value, and the others' by node."""

    fact: str
    majority: str
    share: int
    """Nodes that have the majority's value."""
    outliers: tuple[tuple[str, str], ...]
    """(node, value), by node."""
    unknown: tuple[str, ...] = ()
    """Nodes of which nobody could tell it; they are neither alike nor different."""

    def by_value(self) -> dict[str, list[str]]:
        """Return the nodes of each value that is not the majority's, the commonest first."""
        nodes: dict[str, list[str]] = {}
        for node, value in self.outliers:
            nodes.setdefault(value, []).append(node)
        return dict(sorted(nodes.items(), key=lambda entry: (-len(entry[1]), entry[0])))


def find_drift(
    nodes: Iterable[Node], reference: Mapping[str, str] | None = None
) -> tuple[Drift, ...]:
    """Compare every fact over all nodes that have facts; a fact that a node lacks is `absent` there.

    What `reference` knows of the facts stands in the majority's place.
    """
    wanted = reference or {}
    judged = [node for node in nodes if node.facts]
    names = dict.fromkeys(name for node in judged for name in node.facts)
    found: list[Drift] = []
    for name in names:
        values = {node.name: node.facts.get(name, "absent") for node in judged}
        counts = Counter(value for value in values.values() if value != "unknown")
        given = wanted.get(name, "unknown")
        if len(counts) < 2 and (given == "unknown" or not counts or given in counts):
            continue
        common = min(counts, key=lambda value: (-counts[value], value))
        majority = common if given == "unknown" else given
        outliers = tuple(
            (node, value)
            for node, value in sorted(values.items())
            if value not in (majority, "unknown")
        )
        unknown = tuple(sorted(node for node, value in values.items() if value == "unknown"))
        found.append(Drift(name, majority, counts[majority], outliers, unknown))
    return tuple(found)

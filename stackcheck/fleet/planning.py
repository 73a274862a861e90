"""The fewest environments that hold on every node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Requirement, Resolution
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.wishes import Wishes

__all__ = ["Group", "plan_fleet"]


@dataclass(frozen=True)
class Group:
    """Nodes that share one environment, and its answer; without a plan the answer says why."""

    nodes: tuple[str, ...]
    resolution: Resolution


def plan_fleet(
    requirements: Sequence[Requirement],
    machines: Sequence[tuple[str, Machine]],
    knowledge: Knowledge,
    wishes: Wishes,
) -> tuple[Group, ...]:
    """Return one environment for all nodes if there is one, else few that cover them.

    Each node joins the first group that still has a plan with it; the nodes with the fewest builds to choose from
    (the oldest driver) come first, so that groups form around them.
    """
    together = resolve(requirements, [machine for _, machine in machines], knowledge, wishes)
    if together.plan is not None:
        return (Group(tuple(name for name, _ in machines), together),)
    groups: list[tuple[list[tuple[str, Machine]], Resolution]] = []
    for name, machine in sorted(
        machines, key=lambda each: str(each[1].driver.release.peek() or "")
    ):
        for index, (members, _) in enumerate(groups):
            joined = [*(each for _, each in members), machine]
            attempt = resolve(requirements, joined, knowledge, wishes, advise=False)
            if attempt.plan is not None:
                groups[index] = ([*members, (name, machine)], attempt)
                break
        else:
            alone = resolve(requirements, [machine], knowledge, wishes)
            groups.append(([(name, machine)], alone))
    return tuple(Group(tuple(name for name, _ in members), answer) for members, answer in groups)

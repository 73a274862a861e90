"""The fewest environments that hold on every node, who holds whom back, and which upgrade would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stackcheck.fleet.kinds import Kind, sort_into_kinds
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Requirement, Resolution
from stackcheck.model.record import record
from stackcheck.model.version import Version
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.wishes import Wishes

__all__ = ["Brake", "FleetPlan", "Group", "plan_fleet"]

_EXACT_MAX = 8
"""Kinds of node up to which every way to part them is tried."""


@record(frozen=True)
class Brake:
    """Nodes without which the others of their group could have newer builds."""

    nodes: tuple[str, ...]
    driver: Version | None
    gains: tuple[str, ...]
    """What the others could have."""


@record(frozen=True)
class Group:
    """Nodes that share one environment, and its answer; without a plan the answer says why."""

    nodes: tuple[str, ...]
    resolution: Resolution
    older: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(change, nodes that need it) for each driver that would unlock more."""
    brakes: tuple[Brake, ...] = ()


@record(frozen=True)
class FleetPlan:
    """All groups, the largest first. Each node is in one."""

    groups: tuple[Group, ...]
    kinds: int
    """How many kinds of node there are."""


def plan_fleet(
    requirements: Sequence[Requirement],
    machines: Iterable[tuple[str, Machine]],
    knowledge: Knowledge,
    wishes: Wishes,
) -> FleetPlan:
    """Return one environment for all nodes if there is one, else the fewest that cover them.

    They are the fewest for up to eight kinds of node; with more, few: each kind joins the first group that takes it.
    Kinds for which there is no plan even alone are groups of their own.
    """
    kinds = sort_into_kinds(machines)
    answers: dict[frozenset[int], Resolution] = {}

    def ask(members: frozenset[int], *, advise: bool = False) -> Resolution:
        if advise or members not in answers:
            chosen = [kinds[index].machine for index in sorted(members)]
            answers[members] = resolve(requirements, chosen, knowledge, wishes, advise=advise)
        return answers[members]

    def fits(members: frozenset[int]) -> bool:
        return ask(members).plan is not None

    alone = [frozenset({index}) for index in range(len(kinds))]
    able = [index for index, single in enumerate(alone) if fits(single)]
    parts = [*_part(able, fits), *(single for single in alone if not fits(single))]
    groups = [_make_group(part, kinds, ask) for part in parts]
    groups.sort(key=lambda group: (group.resolution.plan is None, -len(group.nodes), group.nodes))
    return FleetPlan(tuple(groups), len(kinds))


def _part(able: Sequence[int], fits: Callable[[frozenset[int]], bool]) -> list[frozenset[int]]:
    """Part the kinds into few sets that fit; what fits together fits in smaller sets, too."""
    whole = frozenset(able)
    if not able:
        return []
    if fits(whole):
        return [whole]
    best = _extend([], able, fits, len(able), first=True)
    if best is None:
        return [frozenset({index}) for index in able]
    while len(able) <= _EXACT_MAX and len(best) > 2:
        fewer = _extend([], able, fits, len(best) - 1, first=False)
        if fewer is None:
            break
        best = fewer
    return best


def _extend(
    groups: list[frozenset[int]],
    rest: Sequence[int],
    fits: Callable[[frozenset[int]], bool],
    most: int,
    *,
    first: bool,
) -> list[frozenset[int]] | None:
    """Place the remaining kinds in at most so many groups; with `first` take the first place that fits for good."""
    if not rest:
        return groups
    kind, *others = rest
    for index, group in enumerate(groups):
        if fits(group | {kind}):
            joined = [*groups[:index], group | {kind}, *groups[index + 1 :]]
            found = _extend(joined, others, fits, most, first=first)
            if found is not None or first:
                return found
    if len(groups) < most:
        return _extend([*groups, frozenset({kind})], others, fits, most, first=first)
    return None


def _make_group(
    members: frozenset[int],
    kinds: Sequence[Kind],
    ask: Callable[..., Resolution],
) -> Group:
    resolution = ask(members, advise=True)
    nodes = tuple(sorted(name for index in members for name in kinds[index].nodes))
    if resolution.plan is None:
        return Group(nodes, resolution)
    older = []
    for unlock in resolution.unlocks:
        if (wanted := unlock.driver) is not None:
            behind = [
                name
                for index in members
                for name in kinds[index].nodes
                if (there := kinds[index].machine.driver.release.peek()) is None or there < wanted
            ]
            older.append((unlock.change, tuple(sorted(behind))))
    return Group(nodes, resolution, tuple(older), tuple(_find_brakes(members, kinds, ask)))


def _find_brakes(
    members: frozenset[int], kinds: Sequence[Kind], ask: Callable[..., Resolution]
) -> list[Brake]:
    """Name each kind without which the rest of its group would have newer releases."""
    together = ask(members).plan
    found: list[Brake] = []
    if together is None or len(members) < 2:
        return found
    have = {build.framework: build.version.release for build in together.builds}
    for index in sorted(members):
        rest = ask(members - {index}).plan
        gains = tuple(
            build.label
            for build in (rest.builds if rest else ())
            if build.version.release > have.get(build.framework, (0,))
        )
        if gains:
            kind = kinds[index]
            found.append(Brake(kind.nodes, kind.machine.driver.release.peek(), gains))
    return found

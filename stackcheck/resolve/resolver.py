"""`resolve`: the best set of builds that holds on every machine, with what ruled out the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from resolvelib import BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import ResolutionTooDeep

from stackcheck.errors import InputError
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.finding import Finding
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Rejection, Requirement, Resolution
from stackcheck.model.version import Version
from stackcheck.resolve.advice import (
    explain_failure,
    list_rejections,
    suggest_changes,
    unlock_by_driver,
)
from stackcheck.resolve.check import packages_of, situations_of
from stackcheck.resolve.evaluation import Evaluation, evaluate_host, evaluate_set
from stackcheck.resolve.planning import cut_off_date, make_plan
from stackcheck.resolve.pool import Pool, agree_on_cuda, fill_pool
from stackcheck.resolve.preference import PYTHONS, contemporaries, rank_pythons
from stackcheck.resolve.requirements import merge_requirements
from stackcheck.resolve.search import PYTHON, Demand, Extension, Provider, demand_of_pin
from stackcheck.resolve.wishes import Wishes
from stackcheck.rules.driver.coverage import find_cubin, find_ptx
from stackcheck.rules.rule import Situation

__all__ = ["resolve"]

ROUNDS = 2_000
"""Steps after which the search is given up; the hardest requests of the tests take under a hundred."""


def resolve(
    requirements: Sequence[Requirement],
    machines: Sequence[Machine],
    knowledge: Knowledge,
    wishes: Wishes,
    *,
    reporter: Any = None,
    advise: bool = True,
) -> Resolution:
    """Return the best plan that holds on every machine, or why there is none.

    `reporter` (a resolvelib reporter) hears every step of the search. With `advise` the answer says what a newer
    driver would unlock or, on failure, what would change it. Raises `InputError` for a request without a framework.
    """
    requirements = merge_requirements(requirements)
    packages = packages_of(requirements)

    def place(on: Sequence[Machine]) -> tuple[Situation, ...]:
        found = situations_of(on, knowledge, wishes, packages)
        return tuple(replace(situation, advise=False) for situation in found)

    situations = place(machines)
    found = _resolve(requirements, situations, knowledge, wishes, reporter, advise=advise)
    if found.status != "impossible" or not advise:
        return found

    def attempt(asked: Sequence[Requirement], on: Sequence[Machine], channel: str) -> Resolution:
        # on the same machines the same situations: what was judged there need not be judged again
        there = situations if on is machines else place(on)
        wanted = replace(wishes, channel=channel) if channel else wishes
        return _resolve(asked, there, knowledge, wanted, None, advise=False)

    unlocks = suggest_changes(requirements, machines, knowledge, attempt)
    return replace(found, unlocks=unlocks)


def _resolve(
    requirements: Sequence[Requirement],
    situations: tuple[Situation, ...],
    knowledge: Knowledge,
    wishes: Wishes,
    reporter: Any,
    *,
    advise: bool,
) -> Resolution:
    pools = [
        fill_pool(each, situations, knowledge, wishes) for each in requirements if each.is_framework
    ]
    if not pools:
        raise InputError("name at least one framework, for example `stackcheck resolve pytorch`")
    outcome = _judge_host(situations, pools)
    unknown = tuple(pool.unknown for pool in pools if pool.unknown)
    if unknown and not outcome.errors:
        return Resolution("unknown", None, assumed=tuple(outcome.assumed), causes=unknown)
    conflict: list[str] = []
    if not outcome.errors:
        try:
            pythons = _pythons(wishes)
            found = _search(pools, requirements, situations, knowledge, pythons, reporter)
            date = cut_off_date([found.mapping[pool.requirement.name].value for pool in pools])
            if date and not (wishes.python or wishes.pythons):
                pythons = contemporaries(pythons, date)
                found = _search(pools, requirements, situations, knowledge, pythons, BaseReporter())
        except ResolutionImpossible as failure:
            conflict = [_word(cause.requirement, cause.parent) for cause in failure.causes]
        except ResolutionTooDeep:
            return Resolution(
                "unknown", None, causes=(f"no plan was found in {ROUNDS} steps of the search",)
            )
        else:
            return _answer(found, pools, situations, requirements, outcome, advise=advise)

    rejected = list_rejections(pools, ()) if advise else ()
    return Resolution(
        "impossible",
        None,
        rejected=(*_as_rejections(outcome.errors), *rejected),
        assumed=tuple(outcome.assumed),
        causes=explain_failure(pools, outcome.errors, conflict) if advise else (),
    )


def _judge_host(situations: Sequence[Situation], pools: Sequence[Pool]) -> Evaluation:
    """Judge the machines alone, and take over what the pools found wrong with the request itself."""
    outcome = Evaluation()
    for situation in situations:
        outcome.add(evaluate_host(situation))
    for pool in pools:
        faults = [] if pool.violation is None else [pool.violation]
        outcome.add(Evaluation(errors=faults, assumed=list(pool.assumed)))
    return outcome


def _pythons(wishes: Wishes) -> list[str]:
    wanted = wishes.python
    return [f"{wanted.major}.{wanted.minor}"] if wanted else rank_pythons(PYTHONS, wishes)


def _search(
    pools: Sequence[Pool],
    requirements: Sequence[Requirement],
    situations: Sequence[Situation],
    knowledge: Knowledge,
    pythons: Sequence[str],
    reporter: Any,
) -> Any:
    names = {
        distribution: pool.requirement.name
        for pool in pools
        for distribution in {build.distribution for build in pool.ranked}
    }
    extensions = _extensions(requirements, pools, situations, knowledge)
    provider = Provider(
        {pool.requirement.name: pool.passing for pool in agree_on_cuda(pools)},
        pythons,
        _libraries(knowledge, situations),
        extensions,
        names,
    )
    demands = [Demand(pool.requirement.name, _accept_all, pool.requirement.text) for pool in pools]
    demands.append(Demand(PYTHON, _accept_all, "Python"))
    demands += [
        demand_of_pin(each.name, each.specifier, each.text)
        for each in requirements
        if not each.is_framework and (each.specifier or each.name in extensions)
    ]
    return Resolver(provider, reporter or BaseReporter()).resolve(demands, max_rounds=ROUNDS)


def _extensions(
    requirements: Sequence[Requirement],
    pools: Sequence[Pool],
    situations: Sequence[Situation],
    knowledge: Knowledge,
) -> dict[str, list[Extension]]:
    """Return the releases of the extensions that were asked for and run on every GPU, newest first.

    Satellites, whose partner each build names, are none; nor is what no rule knows.
    """
    plain = [each.name for each in requirements if not each.is_framework]
    if not plain:
        return {}
    frameworks = {pool.requirement.name for pool in pools}
    satellites = {name for pool in pools for build in pool.ranked for name in build.companions}
    capabilities = _capabilities(situations)
    found: dict[str, list[Extension]] = {}
    for name in plain:
        rows = [
            row
            for row in knowledge.extension(name)
            if row.framework in frameworks
            and not row.yanked
            and all(row.capability_min is None or row.capability_min <= c for c in capabilities)
        ]
        if rows and name not in satellites:
            found[name] = [
                Extension(version, tuple(row for row in rows if row.version == version))
                for version in dict.fromkeys(row.version for row in rows)
            ]
    return found


def _capabilities(situations: Sequence[Situation]) -> set[Version]:
    return {
        capability
        for situation in situations
        for gpu in situation.machine.gpus.peek() or ()
        if (capability := gpu.compute_capability.peek()) is not None
    }


def _accept_all(_: object) -> bool:
    return True


def _libraries(
    knowledge: Knowledge, situations: Sequence[Situation]
) -> Callable[[str], Sequence[Version]]:
    """Return the releases of an NVIDIA library that have code for every GPU of every machine, newest first."""
    capabilities = _capabilities(situations)

    @cache
    def releases(distribution: str) -> Sequence[Version]:
        return [
            row.version
            for row in knowledge.libraries.get(distribution, ())
            if row.architectures is None
            or all(
                find_cubin(row.architectures, each) or find_ptx(row.architectures, each)
                for each in capabilities
            )
        ]

    return releases


def _answer(
    found: Any,
    pools: Sequence[Pool],
    situations: Sequence[Situation],
    requirements: Sequence[Requirement],
    outcome: Evaluation,
    *,
    advise: bool,
) -> Resolution:
    chosen = [found.mapping[pool.requirement.name].value for pool in pools]
    for pool, build in zip(pools, chosen, strict=True):
        outcome.add(pool.judge(build))
    outcome.add(
        evaluate_set([replace(situation, builds=tuple(chosen)) for situation in situations])
    )
    if outcome.errors:
        titles = tuple(finding.title for finding in outcome.errors)
        rejected = tuple(_as_rejections(outcome.errors))
        return Resolution(
            "impossible", None, rejected, assumed=tuple(outcome.assumed), causes=titles
        )
    status = "unknown" if outcome.unknown else "ok"
    return Resolution(
        status,
        make_plan(chosen, found.mapping, situations, requirements),
        rejected=list_rejections(pools, chosen) if advise else (),
        unlocks=unlock_by_driver(pools, chosen, situations) if advise else (),
        assumed=tuple(outcome.assumed),
        causes=tuple(outcome.unknown),
        warnings=tuple(outcome.warnings),
    )


def _as_rejections(findings: Sequence[Finding]) -> list[Rejection]:
    return [
        Rejection(each.subject or "machine", each.code, each.reason, each.title)
        for each in findings
    ]


def _word(requirement: Demand, parent: Any) -> str:
    who = parent.label if parent is not None else "the request"
    return f"{who} needs {requirement.name} {requirement.text}"

"""`check`: whether exactly these builds run on exactly that machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.build import Build
from stackcheck.model.fact import Known
from stackcheck.model.finding import Evidence, Finding
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Requirement, Verdict
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.resolve.candidates import Candidates, select_builds
from stackcheck.resolve.evaluation import Evaluation, evaluate_build, evaluate_host, evaluate_set
from stackcheck.resolve.requirements import merge_requirements
from stackcheck.resolve.wishes import Wishes
from stackcheck.rules.rule import Situation
from stackcheck.rules.scope import settle_gpus

__all__ = ["check", "judge_installed", "packages_of", "situations_of"]

_ORDER = {"works": 0, "unknown": 1, "fails": 2}


def check(
    requirements: Sequence[Requirement],
    machines: Sequence[Machine],
    knowledge: Knowledge,
    wishes: Wishes,
) -> Verdict:
    """Judge the requirements on every machine.

    A pinned release is judged as it is; an open one by the newest build that fits, and fails if none does.
    """
    requirements = merge_requirements(requirements)
    packages = packages_of(requirements)
    situations = situations_of(machines, knowledge, wishes, packages)
    outcome = Evaluation()
    for situation in situations:
        outcome.add(evaluate_host(situation))
    chosen: list[Build] = []
    for requirement in requirements:
        if not requirement.is_framework:
            continue
        best, evaluation = _judge_requirement(requirement, machines, situations, knowledge, wishes)
        outcome.add(evaluation)
        if best is not None:
            chosen.append(best)
    companions = {name for build in chosen for name in build.companions}
    strangers = [
        each
        for each in requirements
        if not each.is_framework
        and each.name not in companions
        and not _is_judged(each.name, knowledge)
    ]
    if strangers and len(strangers) == len(requirements):
        outcome.unknown += [f"{each.text}: no rule knows it" for each in strangers]
    else:
        outcome.assumed += [f"{each.text} is not judged: no rule knows it" for each in strangers]
    together = evaluate_set([replace(situation, builds=tuple(chosen)) for situation in situations])
    if (
        together.errors
        and not outcome.errors
        and not all(each.is_pinned for each in requirements if each.is_framework)
    ):
        from stackcheck.resolve.resolver import resolve

        # another release of the open ones may agree with the rest
        resolution = resolve(requirements, machines, knowledge, wishes)
        if resolution.plan is not None:
            chosen = list(resolution.plan.builds)
            together = evaluate_set(
                [replace(situation, builds=tuple(chosen)) for situation in situations]
            )
    outcome.add(together)
    return _verdict(outcome, chosen)


def judge_installed(situations: Sequence[Situation]) -> Verdict:
    """Judge the builds that are installed in an environment, on each machine of the situations."""
    outcome = Evaluation()
    for situation in situations:
        outcome.add(evaluate_host(situation))
        for build in situation.builds:
            outcome.add(evaluate_build(build, [situation]))
    outcome.add(evaluate_set(situations))
    return _verdict(outcome, situations[0].builds if situations else ())


def _verdict(outcome: Evaluation, builds: Sequence[Build]) -> Verdict:
    return Verdict(
        outcome.verdict,
        tuple(_unique(outcome.errors)),
        tuple(_unique(outcome.warnings)),
        tuple(outcome.assumed),
        tuple(outcome.unknown),
        tuple(builds),
    )


def situations_of(
    machines: Sequence[Machine],
    knowledge: Knowledge,
    wishes: Wishes,
    packages: dict[str, Version | None],
) -> list[Situation]:
    """Return one situation per machine."""
    situations = [
        Situation(settle_gpus(machine), knowledge, packages=packages) for machine in machines
    ]
    if wishes.python is not None:
        python = Known(wishes.python, "--python")
        situations = [replace(situation, python=python) for situation in situations]
    return situations


def packages_of(requirements: Sequence[Requirement]) -> dict[str, Version | None]:
    """Return the plain packages among the requirements; a version where one is pinned."""
    packages: dict[str, Version | None] = {}
    for requirement in requirements:
        if not requirement.is_framework:
            packages[requirement.name] = _pinned(requirement.specifier)
    return packages


def _pinned(specifier: str) -> Version | None:
    if not specifier.startswith("==") or "," in specifier:
        return None
    try:
        return parse_version(specifier.removeprefix("==").removesuffix(".*"))
    except InvalidVersion:
        return None


def _is_judged(name: str, knowledge: Knowledge) -> bool:
    return (
        name in knowledge.known_names()
        or name in ("cudnn", "numpy", "protobuf")
        or name in knowledge.libraries
    )


def _judge_requirement(
    requirement: Requirement,
    machines: Sequence[Machine],
    situations: Sequence[Situation],
    knowledge: Knowledge,
    wishes: Wishes,
) -> tuple[Build | None, Evaluation]:
    """Return the best row for a requirement, and what the rules say of it."""
    need_gpu = not all(situation.has_no_gpu for situation in situations)
    found: Candidates = select_builds(
        requirement, machines[0], knowledge, wishes, need_gpu=need_gpu
    )
    outcome = Evaluation(assumed=list(found.assumed))
    if found.violation is not None:
        outcome.errors.append(found.violation)
        return None, outcome
    if found.unknown:
        outcome.unknown.append(found.unknown)
        return None, outcome
    best: Build | None = None
    verdict: Evaluation | None = None
    terse = [replace(situation, advise=False) for situation in situations]
    for build in found.builds:
        evaluation = evaluate_build(build, terse)
        if verdict is None or _ORDER[evaluation.verdict] < _ORDER[verdict.verdict]:
            best, verdict = build, evaluation
        if verdict.verdict == "works":
            break
    if best is not None:
        outcome.add(evaluate_build(best, situations))
    if requirement.place:
        asked = Evidence("asked for", requirement.text, requirement.place)
        outcome.errors = [
            replace(each, evidence=(asked, *each.evidence)) for each in outcome.errors
        ]
    return best, outcome


def _unique(findings: list[Finding]) -> list[Finding]:
    return list(
        {(finding.code, finding.subject, finding.title): finding for finding in findings}.values()
    )

"""Builds against rules: what speaks against them, and what would have to be known to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from stackcheck.model.build import Build
from stackcheck.model.fact import Undecided
from stackcheck.model.finding import Finding
from stackcheck.rules.driver.coverage import find_gaps
from stackcheck.rules.of_builds import BUILD_RULES, HOST_RULES, SET_RULES
from stackcheck.rules.rule import Rule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = [
    "Evaluation",
    "evaluate_build",
    "evaluate_host",
    "evaluate_set",
    "judge_build",
    "verdict_of",
]


@dataclass
class Evaluation:
    """The outcome of some rules."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    """Facts that the user did not state: they ruled nothing out."""
    unknown: list[str] = field(default_factory=list)
    """Facts that a probe could not get: the judgement lacks them."""

    @property
    def verdict(self) -> str:
        """`fails`, `unknown` or `works`."""
        return "fails" if self.errors else "unknown" if self.unknown else "works"

    def add(self, other: Evaluation) -> None:
        """Take over another evaluation's outcome."""
        for name in ("errors", "warnings", "assumed", "unknown"):
            mine = getattr(self, name)
            mine += [entry for entry in getattr(other, name) if entry not in mine]

    def run(self, rule: Rule, judge: Callable[..., Finding | None], *about: Any) -> None:
        """Run one rule about a situation, or a build in one, and take down what it says."""
        try:
            finding = judge(*about)
        except NotApplicable:
            return
        except Undecided as undecided:
            fact = undecided.fact
            if fact.unstated:
                self._note(self.assumed, f"{fact.source} {fact.reason}")
            else:
                build = f" {about[0].label}" if len(about) > 1 else ""
                self._note(self.unknown, f"{rule.code}{build}: {fact.source} {fact.reason}")
            return
        if finding is not None:
            (self.errors if finding.severity == "error" else self.warnings).append(finding)

    @staticmethod
    def _note(notes: list[str], text: str) -> None:
        if text not in notes:
            notes.append(text)


def evaluate_host(situation: Situation) -> Evaluation:
    """Judge the machine alone: the driver against its GPUs, a container image against the driver."""
    outcome = Evaluation()
    for rule in HOST_RULES:
        outcome.run(rule, rule.judge, situation)
    return outcome


def evaluate_build(
    build: Build, situations: Iterable[Situation], *, first_error: bool = False
) -> Evaluation:
    """Judge one build on every machine; with `first_error` stop at the first thing against it."""
    outcome = Evaluation()
    for situation in situations:
        for rule in BUILD_RULES:
            outcome.run(rule, rule.judge, build, situation)
            if first_error and outcome.errors:
                return outcome
    return outcome


@lru_cache(maxsize=8192)
def judge_build(build: Build, situation: Situation) -> Evaluation:
    """Judge one build on one machine, once; nobody changes what is returned."""
    return evaluate_build(build, [situation])


@lru_cache(maxsize=8192)
def verdict_of(build: Build, situation: Situation) -> str:
    """Return the verdict on one build on one machine; the first thing against it is enough.

    Code that is missing for a GPU is what speaks against most builds; it is seen without wording the finding.
    """
    with suppress(Undecided):
        if build.is_gpu and find_gaps(build, situation):
            return "fails"
    return evaluate_build(build, [situation], first_error=True).verdict


def evaluate_set(situations: Iterable[Situation]) -> Evaluation:
    """Judge the builds and packages of one environment together."""
    outcome = Evaluation()
    for situation in situations:
        for rule in SET_RULES:
            outcome.run(rule, rule.judge, situation)
    return outcome

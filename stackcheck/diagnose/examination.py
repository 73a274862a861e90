"""The whole of `doctor` once the facts are in: every rule there is, on what is installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.diagnose.installed import situation_of
from stackcheck.diagnose.runner import diagnose
from stackcheck.diagnose.third_party import load_third_party_rules
from stackcheck.model.diagnosis import Check, Diagnosis
from stackcheck.model.expectation import Expectation
from stackcheck.model.machine import Machine
from stackcheck.rules.of_builds import BUILD_RULES, HOST_RULES, SET_RULES
from stackcheck.rules.of_machines import MACHINE_RULES
from stackcheck.rules.python.deep import Observations, deep_rules
from stackcheck.rules.resources.rs08_unexpected import expectation_rule
from stackcheck.rules.rule import Rule

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["Plugins", "examine", "load_plugins", "own_rules"]

Plugins = tuple[tuple[Rule, ...], tuple[Check, ...]]
"""Third parties' rules, and a check for each offer of them that failed."""


def own_rules(
    observations: Observations | None = None, expected: Machine | Expectation | None = None
) -> tuple[Rule, ...]:
    """Return every rule that ships with StackCheck.

    `observations` are what imported frameworks said of themselves, `expected` what a machine is compared with.
    """
    return (
        *MACHINE_RULES,
        *HOST_RULES,
        *BUILD_RULES,
        *SET_RULES,
        *deep_rules(observations or {}),
        expectation_rule(expected),
    )


def load_plugins(rules: Iterable[Rule]) -> Plugins:
    """Return the rules that other installed distributions offer beside these."""
    return load_third_party_rules({rule.code for rule in rules})


def examine(
    machine: Machine,
    knowledge: Knowledge,
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    require_gpu: bool = False,
    observations: Observations | None = None,
    expected: Machine | Expectation | None = None,
    plugins: Plugins | None = None,
) -> Diagnosis:
    """Judge a machine and what is installed on it by all rules, third parties' included.

    `plugins` are third parties' rules where they were loaded already, for many machines in a row. Raises `InputError`
    where `only` or `skip` match nothing, and for faults in the matrices.
    """
    rules = own_rules(observations, expected)
    others, failed = load_plugins(rules) if plugins is None else plugins
    diagnosis = diagnose(
        situation_of(machine, knowledge),
        (*rules, *others),
        only=only,
        skip=skip,
        require_gpu=require_gpu,
        failed=failed,
    )
    return replace(
        diagnosis,
        knowledge_as_of=knowledge.as_of.isoformat(),
        horizon_exceeded=_is_past_horizon(machine, knowledge),
    )


def _is_past_horizon(machine: Machine, knowledge: Knowledge) -> bool:
    """Tell whether the driver or an installed framework is newer than anything that the knowledge holds."""
    driver = machine.driver.release.peek()
    branches = [row.branch for row in knowledge.drivers]
    if (
        driver
        and branches
        and machine.host.platform.peek() == "linux"
        and driver.major > max(branches)
    ):
        return True
    environment = machine.environment.peek()
    for build in (environment.builds.peek() or ()) if environment else ():
        rows = knowledge.builds(build.framework)
        if rows and build.version.release > rows[0].version.release:  # they are newest first
            return True
    return False

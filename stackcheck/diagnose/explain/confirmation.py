"""Whether this machine confirms a cause: the rule of the same code, run on it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.installed import situation_of
from stackcheck.diagnose.runner import run_rule

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.machine import Machine

__all__ = ["confirm", "confirmable"]

_OUTCOMES = {"finding": True, "pass": False}


def confirmable(codes: Collection[str]) -> bool:
    """Tell whether a rule exists for any of the codes, so that probing can pay."""
    return any(rule.code in codes for rule in own_rules())


def confirm(codes: Collection[str], machine: Machine, knowledge: Knowledge) -> dict[str, bool]:
    """Return for each code whether its rule found it; codes whose rule could not judge are left out."""
    situation = situation_of(machine, knowledge)
    confirmed: dict[str, bool] = {}
    for rule in own_rules():
        if rule.code in codes:
            _, check = run_rule(rule, situation)
            if check.outcome in _OUTCOMES:
                confirmed[rule.code] = _OUTCOMES[check.outcome]
    return confirmed

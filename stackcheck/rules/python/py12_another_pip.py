"""PY-12: pip installs into another interpreter than the one that runs."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the prefix of the first pip on PATH."""
    machine = situation.machine
    environment = environment_of(machine)
    pip = file_of(machine, "pip")
    prefix = (pip.get() or "").strip().rstrip("/")
    if prefix.endswith("/shims"):
        raise NotApplicable("pip is a version manager's shim, which follows python")
    if not prefix or prefix == environment.prefix.rstrip("/"):
        return None
    return RULE.finding(
        f"pip installs into {prefix}, and python is that of {environment.prefix}",
        evidence=(
            observed("prefix of pip", pip),
            Evidence("environment", environment.prefix, environment.chosen_by or "PATH"),
        ),
        cause="Two environments are on PATH, and the first pip belongs to another one than the first python.",
        fix=Fix("Call pip through the interpreter", ("python -m pip install PACKAGE",)),
        verify="python -m pip --version",
    )


RULE = MachineRule(
    code="PY-12",
    reason="other",
    layer="python",
    severity="warning",
    title="pip of another interpreter",
    explanation="`pip` is a program of its own on PATH. `python -m pip` always means this python.",
    messages=("ModuleNotFoundError: No module named 'torch'",),
    source="pytorch/vision#9174",
    judge=judge,
)

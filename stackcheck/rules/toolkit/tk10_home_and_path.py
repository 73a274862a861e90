"""TK-10: CUDA_PATH and CUDA_HOME disagree."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the two variables' texts."""
    machine = situation.machine
    home, path = variable_of(machine, "CUDA_HOME"), variable_of(machine, "CUDA_PATH")
    if not home or not path:
        raise NotApplicable("CUDA_HOME and CUDA_PATH are not both set")
    if home.rstrip("/") == path.rstrip("/"):
        return None
    source = machine.host.variables.source
    return RULE.finding(
        f"CUDA_HOME is {home} and CUDA_PATH is {path}",
        evidence=(Evidence("CUDA_HOME", home, source), Evidence("CUDA_PATH", path, source)),
        cause="CuPy and cuda-python prefer CUDA_PATH, PyTorch's builder CUDA_HOME: headers of one version meet"
        " libraries of another.",
        fix=Fix("Set one of them, or both to the same place", ("unset CUDA_PATH",)),
        verify="printenv CUDA_HOME CUDA_PATH",
    )


RULE = MachineRule(
    code="TK-10",
    reason="other",
    layer="toolkit",
    severity="warning",
    title="CUDA_PATH and CUDA_HOME disagree",
    explanation="Both name the toolkit, for different programs.",
    source="cuda-python, Environment Variables",
    judge=judge,
)

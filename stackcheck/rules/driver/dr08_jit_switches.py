"""DR-08: switches for the PTX compiler are left in the environment."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu

__all__ = ["RULE"]

EFFECTS = {
    "CUDA_DISABLE_PTX_JIT": "PTX is never compiled",
    "CUDA_FORCE_PTX_JIT": "machine code is ignored and everything is compiled from PTX",
    "CUDA_CACHE_DISABLE": "compiled kernels are forgotten",
}
FORGETS = "CUDA_CACHE_DISABLE"
"""Set in NVIDIA's own framework images, whose builds have machine code for every GPU that they are for."""


def judge(situation: Situation) -> Finding | None:
    """Judge the three variables; 0 and empty leave the default."""
    machine = situation.machine
    require_gpu(machine)
    variables = machine.host.variables.get() or {}
    left = [name for name in EFFECTS if variables.get(name, "0") not in ("", "0")]
    if not left:
        return None
    return RULE.finding(
        f"{left[0]}={variables[left[0]]} is set: {EFFECTS[left[0]]}",
        evidence=tuple(
            Evidence(name, variables[name], machine.host.variables.source) for name in left
        ),
        cause="The variable was set to test something and stayed.",
        fix=Fix("Unset it", (f"unset {' '.join(left)}",)),
        verify=f"printenv {' '.join(left)}",
        severity="info" if left == [FORGETS] else "warning",
    )


RULE = MachineRule(
    code="DR-08",
    reason="other",
    layer="driver",
    severity="warning",
    title="JIT switches left in the environment",
    explanation="With CUDA_DISABLE_PTX_JIT programs that reach the GPU only by PTX fail with 209; with the other two"
    " every start compiles for minutes.",
    messages=("no kernel image is available for execution on the device",),
    source="CUDA Programming Guide, Environment Variables",
    judge=judge,
)

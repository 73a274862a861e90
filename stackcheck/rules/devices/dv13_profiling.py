"""DV-13: performance counters are for administrators only."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module

__all__ = ["RULE"]

PARAMETER = "RmProfilingAdminOnly"


def judge(situation: Situation) -> Finding | None:
    """Judge the parameter only where a profiler is meant: it is on by default and harms nobody else."""
    machine = situation.machine
    require_module(machine)
    parameters = machine.driver.module.parameters
    if (parameters.get() or {}).get(PARAMETER) != "1":
        return None
    injected = "CUDA_INJECTION64_PATH"
    if injected not in (machine.host.variables.get() or {}):
        return None
    return RULE.finding(
        "performance counters are for administrators only, and a profiler is injected",
        evidence=(
            Evidence(PARAMETER, "1", parameters.source),
            Evidence(injected, (machine.host.variables.peek() or {})[injected], "environment"),
        ),
        cause="Counters can leak what other users compute, so the driver closes them by default.",
        fix=Fix(
            "Open them by the module option and reload, or profile as root",
            (
                "echo options nvidia NVreg_RestrictProfilingToAdminUsers=0 | sudo tee /etc/modprobe.d/nvidia-prof.conf",
            ),
            needs_root=True,
        ),
        verify="grep RmProfilingAdminOnly /proc/driver/nvidia/params",
    )


RULE = MachineRule(
    code="DV-13",
    reason="permission",
    layer="devices",
    severity="info",
    title="performance counters for administrators only",
    explanation="Nsight and CUPTI need the GPU's counters; NVreg_RestrictProfilingToAdminUsers opens them.",
    messages=("ERR_NVGPUCTRPERM",),
    source="gpuopenanalytics/pynvml#19",
    judge=judge,
)

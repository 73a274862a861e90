"""HW-14: a driver option excludes a GPU."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge each function's flag, for those that nvidia drives."""
    machine = situation.machine
    require_module(machine)
    functions = [
        function for function in machine.pci.get() or () if function.driver.peek() == "nvidia"
    ]
    excluded = find_all(functions, lambda function: function.excluded, bool)
    if not excluded:
        return None
    parameters = machine.driver.module.parameters
    return RULE.finding(
        f"{len(excluded)} of {len(functions)} GPUs are excluded by a driver option: {excluded[0].address}",
        evidence=(
            *(observed(f"{function.address} excluded", function.excluded) for function in excluded),
            observed(
                "module parameters",
                parameters,
                lambda values: (
                    "; ".join(
                        f"{name} {values[name]}"
                        for name in ("ExcludedGpus", "GpuBlacklist")
                        if values.get(name)
                    )
                    or "name none"
                ),
            ),
        ),
        cause="NVreg_ExcludedGpus (formerly NVreg_GpuBlacklist) names this board.",
        fix=Fix(
            "Remove the option from the modprobe configuration and reload the module",
            ("grep -rn -e ExcludedGpus -e GpuBlacklist /etc/modprobe.d /usr/lib/modprobe.d",),
            needs_root=True,
        ),
        verify="nvidia-smi -L",
        severity="error" if len(excluded) == len(functions) else "warning",
    )


RULE = MachineRule(
    code="HW-14",
    reason="other",
    layer="hardware",
    severity="warning",
    title="GPU excluded by a driver option",
    explanation="The module leaves out boards that its options name. Someone did that on purpose, once.",
    source="NVIDIA/open-gpu-kernel-modules: nv-procfs.c",
    judge=judge,
)

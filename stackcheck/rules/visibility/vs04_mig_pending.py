"""VS-04: a change of the MIG mode is pending."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the current mode against the pending one."""
    gpus = gpus_of(situation.machine)
    waiting = [gpu for gpu in gpus if gpu.mig_enabled.get() != gpu.mig_pending.get()]
    if not waiting:
        return None
    gpu = waiting[0]
    words = {True: "on", False: "off"}
    return RULE.finding(
        f"MIG of GPU {gpu.index} is {words[bool(gpu.mig_enabled.peek())]} and will be"
        f" {words[bool(gpu.mig_pending.peek())]} after a reset",
        evidence=(
            observed(f"MIG mode of GPU {gpu.index}", gpu.mig_enabled),
            observed("pending", gpu.mig_pending),
        ),
        cause="The mode changes at a reset, which needs the GPU to be idle.",
        fix=Fix(
            "End the GPU's processes and reset it, or reboot",
            (f"sudo nvidia-smi --gpu-reset -i {gpu.index}",),
            needs_root=True,
        ),
        verify="nvidia-smi --query-gpu=mig.mode.current,mig.mode.pending --format=csv",
    )


RULE = MachineRule(
    code="VS-04",
    reason="mig-visible-devices",
    layer="visibility",
    severity="warning",
    title="MIG change pending",
    explanation="The new mode was asked for and is not in force.",
    source="NVIDIA/go-nvml: nvml.h",
    judge=judge,
)

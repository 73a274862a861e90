"""VS-03: MIG is on, and there is no instance."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge GPUs in MIG mode for instances."""
    gpus = gpus_of(situation.machine)
    split = find_all(gpus, lambda gpu: gpu.mig_enabled, bool)
    if not split:
        raise NotApplicable("no GPU is in MIG mode")
    empty = [gpu for gpu in split if not gpu.mig_instances.get()]
    if not empty:
        return None
    index = empty[0].index
    return RULE.finding(
        f"MIG is on and has no instance on {len(empty)} of {len(gpus)} GPUs: GPU {index}",
        evidence=tuple(
            line
            for gpu in empty
            for line in (
                observed(f"MIG mode of GPU {gpu.index}", gpu.mig_enabled),
                observed(
                    f"instances of GPU {gpu.index}",
                    gpu.mig_instances,
                    lambda found: str(len(found)),
                ),
            )
        ),
        cause="In MIG mode CUDA sees instances, not the GPU. Instances do not survive a reboot.",
        fix=Fix(
            "Create GPU and compute instances, or switch MIG off",
            (
                f"sudo nvidia-smi mig -i {index} -lgip",
                f"sudo nvidia-smi mig -i {index} -cgi 9,9 -C",
                f"sudo nvidia-smi -i {index} -mig 0",
            ),
            needs_root=True,
        ),
        verify="nvidia-smi -L",
        severity="error" if len(empty) == len(gpus) else "warning",
    )


RULE = MachineRule(
    code="VS-03",
    reason="mig-visible-devices",
    layer="visibility",
    title="MIG on, no instance created",
    explanation="MIG cuts a GPU into slices. A GPU in MIG mode without a slice offers CUDA nothing.",
    messages=(
        "CUDA driver initialization failed, you might not have a CUDA gpu",
        "No CUDA GPUs are available",
    ),
    source="pytorch/pytorch#98885, #107300",
    judge=judge,
)

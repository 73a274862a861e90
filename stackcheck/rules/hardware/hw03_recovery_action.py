"""HW-03: the GPU asks for a recovery action."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]

ACTIONS = {
    1: "a reset",
    2: "a reboot of the node",
    3: "its peer-to-peer traffic drained",
    4: "to be drained and reset",
    5: "its IMEX domain recovered",
}
"""Values of NVML_FI_DEV_GET_GPU_RECOVERY_ACTION above 0 (none)."""
RESET_REQUIRED = 16
"""NVML_ERROR_RESET_REQUIRED."""


def judge(situation: Situation) -> Finding | None:
    """Judge what each GPU asks for."""
    gpus = gpus_of(situation.machine)
    resets = [gpu for gpu in gpus if gpu.handle_code.peek() == RESET_REQUIRED]
    waiting = resets or find_all(gpus, lambda gpu: gpu.recovery_action, lambda action: action > 0)
    if not waiting:
        return None
    action = waiting[0].recovery_action.peek() or 1
    index = waiting[0].index
    wish = ACTIONS.get(action, f"action {action}")
    return RULE.finding(
        f"{len(waiting)} of {len(gpus)} GPUs ask for recovery: GPU {index} wants {wish}",
        evidence=tuple(
            observed(
                f"recovery action of GPU {gpu.index}",
                gpu.recovery_action,
                lambda code: f"{code} ({ACTIONS.get(code, 'not documented')})",
            )
            for gpu in waiting
        ),
        cause="The driver met an error that only this action clears; until then work on the GPU fails or is slow.",
        fix=Fix(
            "Reboot the node" if action == 2 else "End the GPU's processes and reset it",
            ("sudo reboot",) if action == 2 else (f"sudo nvidia-smi --gpu-reset -i {index}",),
            needs_root=True,
        ),
        verify=f"nvidia-smi -q -i {index} | grep -i 'recovery action'",
    )


RULE = MachineRule(
    code="HW-03",
    reason="ecc-xid-hardware",
    layer="hardware",
    title="GPU asks for a recovery action",
    explanation="After some errors the driver says what clears them: a reset, a reboot, or draining. NVML reports it"
    " as a field value, and the kernel log as Xid 154.",
    messages=("Xid 154, GPU recovery action changed", "GPU requires reset"),
    source="NVIDIA/go-nvml: nvml.h; NVIDIA GPU Memory Error Management",
    judge=judge,
    follows=("HW-02", "HW-04", "HW-05"),
)

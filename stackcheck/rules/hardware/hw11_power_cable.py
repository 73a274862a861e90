"""HW-11: external power is not connected."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]

INSUFFICIENT_POWER = 8
"""NVML_ERROR_INSUFFICIENT_POWER."""


def judge(situation: Situation) -> Finding | None:
    """Judge NVML's code for each handle."""
    gpus = gpus_of(situation.machine)
    weak = find_all(gpus, lambda gpu: gpu.handle_code, lambda code: code == INSUFFICIENT_POWER)
    if not weak:
        return None
    names = ", ".join(f"GPU {gpu.index}" for gpu in weak)
    return RULE.finding(
        f"external power is not attached to {len(weak)} of {len(gpus)} GPUs: {names}",
        evidence=tuple(
            observed(f"NVML handle of GPU {gpu.index}", gpu.handle_code, code_text) for gpu in weak
        ),
        cause="A power lead of the board is missing or loose.",
        fix=Fix("Switch the machine off and connect every power lead of the board"),
        verify="nvidia-smi -L",
    )


RULE = MachineRule(
    code="HW-11",
    reason="ecc-xid-hardware",
    layer="hardware",
    title="external power not connected",
    explanation="A board that draws more than the slot gives refuses to start without its power leads.",
    messages=("External power cables are not properly attached",),
    source="NVIDIA/go-nvml: nvml.h (NVML_ERROR_INSUFFICIENT_POWER)",
    judge=judge,
)

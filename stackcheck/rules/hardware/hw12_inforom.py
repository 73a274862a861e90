"""HW-12: the board's infoROM is corrupted."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the validation that NVML did."""
    gpus = gpus_of(situation.machine)
    corrupted = find_all(gpus, lambda gpu: gpu.inforom_valid, lambda valid: not valid)
    if not corrupted:
        return None
    return RULE.finding(
        f"the infoROM of {len(corrupted)} of {len(gpus)} GPUs is corrupted: GPU {corrupted[0].index}",
        evidence=tuple(
            observed(f"infoROM of GPU {gpu.index} valid", gpu.inforom_valid) for gpu in corrupted
        ),
        cause="The small memory with the board's configuration and error history does not pass its checksum."
        " Computation usually still works.",
        fix=Fix("Have the vendor's tool rewrite it, or return the board"),
        verify="nvidia-smi",
    )


RULE = MachineRule(
    code="HW-12",
    reason="ecc-xid-hardware",
    layer="hardware",
    severity="warning",
    title="infoROM corrupted",
    explanation="The infoROM keeps serial number, configuration and retired memory. Corrupted, it loses them.",
    messages=("WARNING: infoROM is corrupted at gpu 0000:3b:00.0",),
    source="NVIDIA/go-nvml: nvml.h; nverror.h (INFOROM_FS_ERROR 125)",
    judge=judge,
)

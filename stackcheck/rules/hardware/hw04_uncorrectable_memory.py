"""HW-04: uncorrectable memory errors."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge each GPU's volatile counter; a board without ECC has none."""
    gpus = gpus_of(situation.machine)
    sick = find_all(gpus, lambda gpu: gpu.ecc.uncorrected, lambda count: count > 0)
    if not sick:
        return None
    index = sick[0].index
    return RULE.finding(
        f"GPU {index} has {sick[0].ecc.uncorrected.peek()} uncorrectable memory errors since the driver was loaded"
        + (f", and {len(sick) - 1} more GPUs have some" if len(sick) > 1 else ""),
        evidence=tuple(
            observed(f"uncorrectable errors of GPU {gpu.index}", gpu.ecc.uncorrected)
            for gpu in sick
        ),
        cause="A memory cell or its path failed in a way that ECC could detect and not repair. The process that read"
        " it was ended.",
        fix=Fix(
            "Restart the application; reset the GPU at the next pause, so that the row is remapped. If errors come"
            " back, run the vendor's diagnostics and return the board",
            (f"sudo nvidia-smi --gpu-reset -i {index}", "dcgmi diag -r 3"),
            needs_root=True,
        ),
        verify=f"nvidia-smi -q -d ECC -i {index}",
    )


RULE = MachineRule(
    code="HW-04",
    reason="ecc-xid-hardware",
    layer="hardware",
    title="uncorrectable memory errors",
    explanation="ECC corrects single flipped bits and detects double ones. A detected one ends the program that read"
    " the value (error 214) and appears as Xid 48, 94 or 95.",
    messages=(
        "CUDA error: uncorrectable ECC error encountered",
        "NVRM: Xid 48, 94 (contained), 95 (uncontained)",
    ),
    source="NVIDIA/open-gpu-kernel-modules: nverror.h; NVIDIA Xid Catalog",
    judge=judge,
    follows=("HW-05",),
)

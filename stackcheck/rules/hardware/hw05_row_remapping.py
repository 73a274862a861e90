"""HW-05: a memory row waits for remapping, or could not be remapped."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge failure first, then what is pending; GPUs before Ampere retire pages instead."""
    gpus = gpus_of(situation.machine)
    failed = [gpu for gpu in gpus if gpu.ecc.remap_failed.peek()]
    if failed:
        names = ", ".join(f"GPU {gpu.index}" for gpu in failed)
        return RULE.finding(
            f"row remapping failed on {len(failed)} of {len(gpus)} GPUs: {names}",
            evidence=tuple(
                observed(f"remapping failed on GPU {gpu.index}", gpu.ecc.remap_failed)
                for gpu in failed
            ),
            cause="The board has no spare memory row left for this bank.",
            fix=Fix("Take the GPU out of service and have the board replaced"),
            verify="nvidia-smi -q -d ROW_REMAPPER",
            severity="error",
        )
    pending = [gpu for gpu in gpus if gpu.ecc.retirement_pending.peek()] or find_all(
        gpus, lambda gpu: gpu.ecc.remap_pending, bool
    )
    find_all(gpus, lambda gpu: gpu.ecc.remap_failed, bool)
    if not pending:
        return None
    index = pending[0].index
    return RULE.finding(
        f"a faulty memory row waits on {len(pending)} of {len(gpus)} GPUs until they are reset",
        evidence=tuple(
            line
            for gpu in pending
            for line in (
                observed(f"remapping pending on GPU {gpu.index}", gpu.ecc.remap_pending),
                observed(f"page retirement pending on GPU {gpu.index}", gpu.ecc.retirement_pending),
            )
        ),
        cause="A faulty memory row was marked; the spare row takes its place at the next reset. Work may go on until"
        " then.",
        fix=Fix(
            "Reset the GPU at the next pause",
            (f"sudo nvidia-smi --gpu-reset -i {index}",),
            needs_root=True,
        ),
        verify="nvidia-smi -q -d ROW_REMAPPER",
    )


RULE = MachineRule(
    code="HW-05",
    reason="ecc-xid-hardware",
    layer="hardware",
    severity="warning",
    title="memory row remapping pending or failed",
    explanation="From Ampere on a faulty memory row is replaced by a spare one at the next reset. When the spares of a"
    " bank are used up remapping fails, and the board must be replaced.",
    messages=(
        "NVRM: Xid: 63, Row Remapper: New row marked for remapping, reset gpu to activate.",
        "NVRM: Xid: 64",
    ),
    source="stas00/ml-engineering: compute/accelerator/nvidia/debug.md; Azure/azhpc-diagnostics#75",
    judge=judge,
)

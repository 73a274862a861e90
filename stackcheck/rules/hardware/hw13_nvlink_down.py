"""HW-13: NVLink links are down."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge links up against links that the GPU has, where any is up: a board without bridge has none by design."""
    gpus = gpus_of(situation.machine)
    counts = [(gpu, gpu.nvlinks_active.get() or 0, gpu.nvlinks.get() or 0) for gpu in gpus]
    if not any(active for _, active, _ in counts):
        raise NotApplicable("no NVLink is in use here")
    most = max(active for _, active, _ in counts)
    down = [(gpu, active) for gpu, active, total in counts if total and active < most]
    if not down:
        return None
    first, active = down[0]
    return RULE.finding(
        f"GPU {first.index} has {active} NVLink links up, its neighbours have {most}",
        evidence=tuple(
            Evidence(
                f"links up of GPU {gpu.index}", f"{active} of {total}", gpu.nvlinks_active.source
            )
            for gpu, active, total in counts
        ),
        cause="A link failed (Xid 74), a bridge or tray sits loose, or the fabric was not set up again.",
        fix=Fix(
            "Reset the GPUs and restart the fabric manager; then reseat bridges or trays",
            ("nvidia-smi nvlink -s", "sudo systemctl restart nvidia-fabricmanager"),
            needs_root=True,
        ),
        verify="nvidia-smi nvlink -s",
    )


RULE = MachineRule(
    code="HW-13",
    reason="ecc-xid-hardware",
    layer="hardware",
    severity="warning",
    title="NVLink links down",
    explanation="Collectives run at the speed of the slowest link. GPUs of one board that have fewer links up than"
    " their neighbours slow all of them down.",
    messages=("NVRM: Xid 74",),
    source="nverror.h (NVLINK_ERROR 74); leptonai/gpud: components/accelerator/nvidia/nvlink",
    judge=judge,
    follows=("DV-06", "DV-08"),
)

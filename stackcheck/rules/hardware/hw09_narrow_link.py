"""HW-09: the PCI Express link has fewer lanes than it could have."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module, gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge widths only: the generation falls on an idle GPU by design."""
    drives_gpus_by_module(situation.machine)
    gpus = gpus_of(situation.machine)
    narrow = [
        (gpu, width, most)
        for gpu in gpus
        if (width := gpu.link.width.peek()) and (most := gpu.link.max_width.peek()) and width < most
    ]
    if not narrow:
        for gpu in gpus:
            gpu.link.width.get()
            gpu.link.max_width.get()
        return None
    first, width, most = narrow[0]
    return RULE.finding(
        f"GPU {first.index} runs on {width} PCI Express lanes of {most}",
        evidence=tuple(
            Evidence(f"lanes of GPU {gpu.index}", f"{width} of {most}", gpu.link.width.source)
            for gpu, width, most in narrow
        ),
        cause="The slot, a riser, a dirty contact or a bifurcation setting leaves lanes unused; copies between host"
        " and GPU are slower by as much.",
        fix=Fix(
            "Use the slot meant for GPUs, reseat the card, check riser and bifurcation setting"
        ),
        verify=f"nvidia-smi -q -i {first.index} | grep -A3 'Link Width'",
    )


RULE = MachineRule(
    code="HW-09",
    reason="other",
    layer="hardware",
    severity="info",
    title="PCI Express link narrower than it could be",
    explanation="Width is negotiated when the link is trained. Fewer lanes than card and slot have means a mechanical"
    " or firmware cause. Many boards wire their second slot with fewer lanes: then it is as built.",
    messages=("31.504 Gb/s available PCIe bandwidth, limited by 8.0 GT/s PCIe x4 link",),
    source="NVIDIA/go-nvml: nvml.h; HeyMeco/Rockchip-pcie-devices#2",
    judge=judge,
)

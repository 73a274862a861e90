"""VM-01: a vGPU without a licence."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of
from stackcheck.rules.virtual.profile import VGPU

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the licence of a guest's virtual GPU."""
    machine = situation.machine
    virtual = [gpu for gpu in gpus_of(machine) if gpu.virtualization.get() == VGPU]
    if not virtual:
        raise NotApplicable("no virtual GPU here")
    licensed = limit_of(machine, "vgpu_licensed")
    if licensed.get() != 0:
        return None
    return RULE.finding(
        f"the virtual GPU {virtual[0].name.peek()} holds no licence",
        evidence=(
            observed("virtualization mode", virtual[0].virtualization),
            observed("licence", licensed, lambda found: "held" if found else "none"),
        ),
        cause="Without a licence a virtual GPU slows down after minutes and then refuses CUDA.",
        fix=Fix(
            "Put the client token in place and make the licence service reachable",
            ("ls /etc/nvidia/ClientConfigToken", "sudo systemctl restart nvidia-gridd"),
            needs_root=True,
        ),
        verify="nvidia-smi -q | grep -A2 License",
    )


RULE = MachineRule(
    code="VM-01",
    reason="permission",
    layer="virtual",
    title="vGPU without a licence",
    explanation="The guest driver asks NVIDIA's licence service, and runs restricted without an answer.",
    messages=("all CUDA-capable devices are busy or unavailable",),
    source="DDMAL/Rodan#1332; NVIDIA/gpu-operator#628, #663",
    judge=judge,
)

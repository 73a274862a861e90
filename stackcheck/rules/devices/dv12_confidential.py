"""DV-12: a confidential-computing GPU is not set ready."""

from __future__ import annotations

from stackcheck.model.fact import Unknown
from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the ready state, where confidential computing is on."""
    machine = situation.machine
    require_module(machine)
    ready = limit_of(machine, "conf_compute_ready")
    if isinstance(ready, Unknown) and "no such function" in ready.reason:
        raise NotApplicable("this driver is from before confidential computing")
    value = ready.get()
    if value is None:
        raise NotApplicable("confidential computing is off")
    if value:
        return None
    return RULE.finding(
        "confidential computing is on, and the GPUs are not set ready",
        evidence=(
            observed("ready state", ready),
            observed("cuInit", machine.driver.cuinit_code, code_text),
        ),
        cause="In a confidential virtual machine CUDA is refused until the GPU has been attested and set ready.",
        fix=Fix(
            "Attest the GPU, then set it ready",
            ("sudo nvidia-smi conf-compute -srs 1",),
            needs_root=True,
        ),
        verify="nvidia-smi conf-compute -grs",
    )


RULE = MachineRule(
    code="DV-12",
    reason="permission",
    layer="devices",
    title="confidential GPU not set ready",
    explanation="Attestation comes first by design: a GPU whose state nobody vouched for computes nothing.",
    messages=("Error 802: system not yet initialized",),
    source="NVIDIA/nvtrust#56, #37",
    judge=judge,
)

"""VM-03: a vGPU profile without CUDA."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of
from stackcheck.rules.virtual.profile import series_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the letter of the profile in each GPU's name."""
    machine = situation.machine
    gpus = gpus_of(machine)
    profiles = [(gpu, series_of(gpu.name.get() or "")) for gpu in gpus]
    if not any(series for _, series in profiles):
        raise NotApplicable("no virtual GPU here")
    office = [gpu for gpu, series in profiles if series in ("A", "B")]
    if not office:
        return None
    name = office[0].name.peek() or ""
    return RULE.finding(
        f"{name} is a profile of the {series_of(name)} series, which has no CUDA",
        evidence=(
            *(observed(f"name of GPU {gpu.index}", gpu.name) for gpu in office),
            observed("CUDA driver version", machine.driver.cuda),
            observed("cuInit", machine.driver.cuinit_code, code_text),
        ),
        cause="A and B profiles are for applications and desktops; CUDA needs a Q or C profile.",
        fix=Fix(
            "Have the administrator assign a Q or C profile, and the guest driver of the host's vGPU release"
        ),
        verify="nvidia-smi -L",
        severity="error" if len(office) == len(gpus) else "warning",
    )


RULE = MachineRule(
    code="VM-03",
    reason="platform-unsupported",
    layer="virtual",
    title="vGPU profile without CUDA",
    explanation="The letter at the end of a profile's name says what it is licensed and made for.",
    messages=("CUDA driver version is insufficient for CUDA runtime version",),
    source="DualCoder/vgpu_unlock#51; NVIDIA Virtual GPU Software documentation",
    judge=judge,
)

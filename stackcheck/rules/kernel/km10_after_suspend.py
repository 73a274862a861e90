"""KM-10: CUDA is dead although everything that it needs is there."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module, require_platform

__all__ = ["RULE"]

UNKNOWN_ERROR = 999
"""CUDA_ERROR_UNKNOWN."""


def judge(situation: Situation) -> Finding | None:
    """Judge cuInit's 999 where NVML, modules and nodes are fine."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_module(machine)
    driver = machine.driver
    if driver.cuinit_code.get() != UNKNOWN_ERROR:
        return None
    if driver.nvml_code.get() != 0:
        raise NotApplicable("NVML fails as well, for another reason")
    return RULE.finding(
        "cuInit returns 999 while NVML, the modules and the nodes are fine",
        evidence=(
            observed("cuInit", driver.cuinit_code, code_text),
            observed("nvmlInit", driver.nvml_code, code_text),
            observed("nvidia_uvm loaded", driver.module.uvm_loaded),
        ),
        cause="Typical after suspend and resume: nvidia_uvm lost the GPU's state.",
        fix=Fix(
            "Reload nvidia_uvm with no CUDA process alive, and enable the driver's suspend services",
            (
                "sudo modprobe -r nvidia_uvm && sudo modprobe nvidia_uvm",
                "sudo systemctl enable nvidia-suspend nvidia-resume nvidia-hibernate",
            ),
            needs_root=True,
        ),
        verify="stackcheck doctor --only KM-10",
        ruled_out=("NVML sees the GPUs", "the nvidia module is loaded"),
    )


RULE = MachineRule(
    code="KM-10",
    reason="other",
    layer="kernel",
    title="CUDA dead after suspend and resume",
    explanation="After waking up, nvidia_uvm may refuse every CUDA program until it is loaded anew.",
    messages=("CUDA unknown error ... Setting the available devices to be zero.",),
    source="pytorch/pytorch#49081, #115340; NixOS/nixpkgs#348769",
    judge=judge,
    follows=("KM-09", "DV-02", "DV-03", "DV-04", "DV-06", "HW-02"),
)

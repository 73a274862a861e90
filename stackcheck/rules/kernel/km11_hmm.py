"""KM-11: heterogeneous memory management breaks cuInit."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module, require_platform

__all__ = ["RULE"]

NOT_INITIALIZED = 3
"""CUDA_ERROR_NOT_INITIALIZED."""


def judge(situation: Situation) -> Finding | None:
    """Judge cuInit's 3 with the open module and HMM on."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_module(machine)
    driver = machine.driver
    if driver.cuinit_code.get() != NOT_INITIALIZED:
        return None
    if driver.module.flavour.get() != "open" or driver.module.hmm_disabled.get():
        return None
    return RULE.finding(
        "cuInit returns 3 with the open module and HMM on; nvidia-smi is fine",
        evidence=(
            observed("cuInit", driver.cuinit_code, code_text),
            observed("module flavour", driver.module.flavour),
            observed("uvm_disable_hmm", driver.module.hmm_disabled),
            observed("kernel", machine.host.kernel),
        ),
        cause="On some kernels nvidia_uvm cannot set up heterogeneous memory management, and cuInit gives up.",
        fix=Fix(
            "Switch HMM off for nvidia_uvm and reload it",
            (
                "echo 'options nvidia_uvm uvm_disable_hmm=1' | sudo tee /etc/modprobe.d/nvidia-uvm.conf",
                "sudo modprobe -r nvidia_uvm && sudo modprobe nvidia_uvm",
            ),
            needs_root=True,
        ),
        verify="cat /sys/module/nvidia_uvm/parameters/uvm_disable_hmm",
    )


RULE = MachineRule(
    code="KM-11",
    reason="other",
    layer="kernel",
    title="HMM breaks cuInit",
    explanation="HMM lets the GPU use the host's page tables. Seen to fail on EL9 and EL10 kernels and others: every"
    " framework then sees no GPU.",
    messages=("CUDA_ERROR_NOT_INITIALIZED",),
    source="NVIDIA/open-gpu-kernel-modules#901, #947, #797; ollama/ollama#11593",
    judge=judge,
)

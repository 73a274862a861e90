"""HW-06: the GPU's system processor stops answering, so that the driver hangs."""

from __future__ import annotations

from typing import Any

from stackcheck.model.fact import Fact, Unknown
from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module

__all__ = ["RULE", "hung"]

_WORDS = ("no answer within", "timed out", "deadline")
"""How probing says that a call did not come back."""


def hung(fact: object) -> bool:
    """Tell whether a fact is unknown because the driver did not come back."""
    return isinstance(fact, Unknown) and any(word in fact.reason for word in _WORDS)


def judge(situation: Situation) -> Finding | None:
    """Judge whether NVML and cuInit came back. What they would have said stays unknown."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    driver = machine.driver
    calls: dict[str, Fact[Any]] = {
        "nvmlInit": driver.nvml_code,
        "cuInit": driver.cuinit_code,
        "GPUs by NVML": machine.gpus,
    }
    stuck = {name: fact for name, fact in calls.items() if hung(fact)}
    for gpu in machine.gpus.peek() or ():
        stuck |= {f"handle of GPU {gpu.index}": gpu.handle_code} if hung(gpu.handle_code) else {}
    if not stuck:
        driver.nvml_code.get()
        return None
    parameters = driver.module.parameters.peek() or {}
    firmware = parameters.get("EnableGpuFirmware", "not said")
    return RULE.finding(
        f"the driver does not come back from {', '.join(stuck)} within the deadline",
        evidence=(
            *(observed(name, fact) for name, fact in stuck.items()),
            observed("loaded nvidia module", driver.module.version),
            observed(
                "module parameters",
                driver.module.parameters,
                lambda _: f"EnableGpuFirmware {firmware}",
            ),
        ),
        cause="The GPU's system processor (GSP) or the bus stopped answering: Xid 119 or 120 in the kernel log.",
        fix=Fix(
            "Power the machine off and on; then a newer driver, or on the proprietary module no GSP firmware",
            (
                "sudo dmesg | grep -E 'NVRM|Xid'",
                "echo 'options nvidia NVreg_EnableGpuFirmware=0' | sudo tee /etc/modprobe.d/nvidia-gsp.conf",
            ),
            needs_root=True,
        ),
        verify="timeout 30 nvidia-smi -L",
    )


RULE = MachineRule(
    code="HW-06",
    reason="ecc-xid-hardware",
    layer="hardware",
    severity="warning",
    title="the driver hangs",
    explanation="From Turing on the driver talks to a processor on the GPU. When that does not answer, every call"
    " waits for its timeout or for ever. What stays unknown is said as such; this names why.",
    messages=("NVRM: Xid 119, Timeout waiting for RPC from GSP!", "NVRM: Xid 120"),
    source="NVIDIA/open-gpu-kernel-modules#446, #1230; Azure/azurehpc#714",
    judge=judge,
    follows=("HW-02",),
)

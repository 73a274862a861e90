"""CT-06: the host of this container has no working driver."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import container_of, drives_gpus_by_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the kernel's modules, which a container shares with its host."""
    machine = situation.machine
    container_of(machine)
    drives_gpus_by_module(machine)
    module = machine.driver.module
    if module.version.get() is not None:
        return None
    return RULE.finding(
        f"the host of this container has {len(machine.pci.peek() or ())} NVIDIA GPUs and no nvidia module loaded",
        evidence=(
            observed("NVIDIA functions on the PCI bus", machine.pci, lambda found: str(len(found))),
            observed("nvidia module loaded", module.version),
        ),
        cause="A container uses its host's kernel and driver; nothing inside it can stand in for them.",
        fix=Fix(
            "Repair the driver on the host: run `stackcheck doctor` there", ("stackcheck doctor",)
        ),
        verify="cat /sys/module/nvidia/version",
    )


RULE = MachineRule(
    code="CT-06",
    reason="no-driver",
    layer="containers",
    title="the host has no driver",
    explanation="The container toolkit's hook fails before the container starts, or the container starts without a"
    " GPU.",
    messages=(
        "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1",
        "nvidia-container-cli: initialization error: nvml error: driver not loaded",
    ),
    source="NVIDIA/libnvidia-container#231; NVIDIA/nvidia-container-toolkit#154; docker/for-win#13835",
    judge=judge,
)

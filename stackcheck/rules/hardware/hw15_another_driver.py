"""HW-15: another driver owns the GPU, or none does."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, drives_gpus_by_module

__all__ = ["RULE"]

PASS_THROUGH = ("vfio-pci", "pci-stub")


def judge(situation: Situation) -> Finding | None:
    """Judge which kernel driver is bound to each function; nouveau is KM-01's."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    functions = machine.pci.get()
    if not functions:
        raise NotApplicable("the GPU is not on the PCI bus")
    loaded = machine.driver.module.version.peek() is not None
    foreign = [
        function
        for function in functions
        if function.driver.peek() not in ("nvidia", "nouveau")
        and (function.driver.peek() is not None or (loaded and function.driver.state == "absent"))
    ]
    if not foreign:
        for function in functions:
            function.driver.get()
        return None
    first = foreign[0].driver.peek()
    owner = first or "no driver"
    away = (
        "It is reserved for a virtual machine"
        if first in PASS_THROUGH
        else "The nvidia module was not asked to take it"
    )
    unbind = (
        f"echo {foreign[0].address} | sudo tee /sys/bus/pci/drivers/{first}/unbind",
        f"echo {foreign[0].address} | sudo tee /sys/bus/pci/drivers/nvidia/bind",
    )
    return RULE.finding(
        f"{len(foreign)} of {len(functions)} GPUs are bound to {owner} instead of nvidia",
        evidence=tuple(
            observed(f"driver of {function.address}", function.driver) for function in foreign
        ),
        cause=f"{away}, so NVML and CUDA cannot see it.",
        fix=Fix(
            "Release it from pass-through and bind it to nvidia",
            unbind if first else unbind[1:],
            needs_root=True,
        ),
        verify=f"readlink /sys/bus/pci/devices/{foreign[0].address}/driver",
        severity="error" if len(foreign) == len(functions) else "warning",
    )


RULE = MachineRule(
    code="HW-15",
    reason="no-driver",
    layer="hardware",
    title="another driver owns the GPU",
    explanation="A PCI function has one driver at a time. vfio-pci and pci-stub hold GPUs for virtual machines;"
    " nova_core is the kernel's own new driver.",
    messages=(
        "NVRM: The NVIDIA probe routine was not called for 3 device(s).",
        "NVRM: This can occur when another driver was loaded and obtained ownership of the NVIDIA device(s).",
    ),
    source="NVIDIA/open-gpu-kernel-modules: nv.c; NVIDIA/nvtrust#54",
    judge=judge,
    follows=("KM-08", "KM-15"),
)

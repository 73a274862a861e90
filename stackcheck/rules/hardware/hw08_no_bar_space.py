"""HW-08: no address space for the GPU's BARs."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import find_all
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge BAR 0 and BAR 1 of each function."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    functions = machine.pci.get() or ()
    bare = find_all(
        functions, lambda function: function.bars_assigned, lambda assigned: not assigned
    )
    if not bare:
        return None
    return RULE.finding(
        f"{len(bare)} of {len(functions)} GPUs have no address space for BAR 0 or BAR 1: {bare[0].address}",
        evidence=tuple(
            Evidence(f"BARs of {function.address}", "all zeroes", function.bars_assigned.source)
            for function in bare
        ),
        cause="The firmware found no room for the board's memory window below its limit.",
        fix=Fix(
            "Enable 'Above 4G Decoding' (and Resizable BAR where the board wants it) in the firmware and update it;"
            " in a virtual machine widen the guest's 64-bit MMIO window",
            ("sudo dmesg | grep -i 'BAR .*assign'",),
            needs_root=True,
        ),
        verify=f"head -2 /sys/bus/pci/devices/{bare[0].address}/resource",
    )


RULE = MachineRule(
    code="HW-08",
    reason="ecc-xid-hardware",
    layer="hardware",
    title="no address space for the GPU's BARs",
    explanation="The driver reaches the board through two memory windows on the bus. Firmware with a 4 GiB limit, or"
    " a guest with a small window, has no room for those of large GPUs.",
    messages=(
        "NVRM: This PCI I/O region assigned to your NVIDIA device is invalid: NVRM: BAR1 is 0M @ 0x0",
        "BAR 1: can't assign; no space",
    ),
    source="NVIDIA/open-gpu-kernel-modules: nv-pci.c, #862; HeyMeco/Rockchip-pcie-devices#2",
    judge=judge,
)

"""KM-07: the proprietary module on a GPU that needs the open one."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.kernel.generation import is_blackwell_or_later
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the module's flavour against the boards on the bus."""
    machine = situation.machine
    require_module(machine)
    flavour = machine.driver.module.flavour
    if flavour.get() != "proprietary":
        return None
    new = [function for function in machine.pci.get() or () if is_blackwell_or_later(function)]
    if not new:
        return None
    return RULE.finding(
        f"the proprietary kernel module cannot drive {new[0].device.peek()}, a Blackwell or later board",
        evidence=(
            observed("module flavour", flavour),
            *(observed(f"device id of {function.address}", function.device) for function in new),
        ),
        cause="From Blackwell on boards are driven by the open module alone.",
        fix=Fix(
            "Install the open flavour of the same driver",
            ("sudo apt-get install nvidia-open || sudo dnf install nvidia-open",),
            needs_root=True,
        ),
        verify="head -1 /proc/driver/nvidia/version",
    )


RULE = MachineRule(
    code="KM-07",
    reason="no-driver",
    layer="kernel",
    title="proprietary module on a GPU that needs the open one",
    explanation="NVIDIA ships its kernel module in two flavours. Blackwell boards are supported by the open one only.",
    messages=("NVRM: requires use of the NVIDIA open kernel modules", "No devices were found"),
    source="NVIDIA/open-gpu-kernel-modules#872; getsolus/packages#5575; HyDE-Project/HyDE#532",
    judge=judge,
)

"""KM-06: the open module on a GPU that it cannot drive."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.kernel.generation import is_before_turing
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the module's flavour against the boards on the bus."""
    machine = situation.machine
    require_module(machine)
    flavour = machine.driver.module.flavour
    if flavour.get() != "open":
        return None
    old = [function for function in machine.pci.get() or () if is_before_turing(function)]
    if not old:
        return None
    return RULE.finding(
        f"the open kernel module cannot drive {old[0].device.peek()}, a board from before Turing",
        evidence=(
            observed("module flavour", flavour),
            *(observed(f"device id of {function.address}", function.device) for function in old),
        ),
        cause="The open module needs the GPU's system processor (GSP), which boards before Turing do not have.",
        fix=Fix(
            "Install the proprietary module, of a branch that still has this GPU (R580 or older)",
            ("sudo apt-get install nvidia-driver-580",),
            needs_root=True,
        ),
        verify="head -1 /proc/driver/nvidia/version",
    )


RULE = MachineRule(
    code="KM-06",
    reason="arch-dropped",
    layer="kernel",
    title="open module on a GPU without GSP",
    explanation="NVIDIA's open kernel module drives Turing and later; Maxwell, Pascal and Volta need the proprietary"
    " one, which ends with branch 580 for them.",
    messages=(
        "NVRM: installed in this system is not supported by open NVRM: nvidia.ko because it does not include",
        "the required GPU NVRM: System Processor (GSP).",
    ),
    source="NVIDIA/open-gpu-kernel-modules: osapi.c, #19",
    judge=judge,
    follows=("KM-08",),
)

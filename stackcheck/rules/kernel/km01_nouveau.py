"""KM-01: nouveau drives the GPU."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the functions' drivers and the two modules."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    module = machine.driver.module
    functions = machine.pci.peek() or ()
    held = [function for function in functions if function.driver.peek() == "nouveau"]
    alone = module.nouveau_loaded.peek() is True and module.version.state == "absent"
    if not held and not alone:
        if module.version.get() is None:
            module.nouveau_loaded.get()
        return None
    return RULE.finding(
        f"nouveau drives {len(held) or 'the'} of {len(functions)} GPUs, not nvidia"
        if held
        else "the nouveau module is loaded and the nvidia module is not",
        evidence=(
            *(observed(f"driver of {function.address}", function.driver) for function in held),
            observed("nouveau module loaded", module.nouveau_loaded),
            observed("nvidia module", module.version),
        ),
        cause="nouveau, the kernel's free display driver, took the GPU at boot. It offers no CUDA.",
        fix=Fix(
            "Blacklist nouveau, rebuild the initramfs, reboot, with NVIDIA's driver installed",
            (
                "echo 'blacklist nouveau' | sudo tee /etc/modprobe.d/blacklist-nouveau.conf",
                "sudo update-initramfs -u || sudo dracut --force",
                "sudo reboot",
            ),
            needs_root=True,
        ),
        verify="cat /sys/module/nvidia/version",
    )


RULE = MachineRule(
    code="KM-01",
    reason="no-driver",
    layer="kernel",
    title="nouveau drives the GPU",
    explanation="Only one driver can own a GPU. As long as nouveau does, the nvidia module finds its memory regions"
    " taken and gives up.",
    messages=(
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
        "NVRM: request_mem_region failed for 16M @ 0x0. This can occur when a driver such as rivatv is loaded",
    ),
    source="mattshma/bigdata#133; Oneflow-Inc/oneflow#3106",
    judge=judge,
)

"""KM-02: no nvidia module for the running kernel."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, drives_gpus_by_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the loaded module, and the module trees of the kernels that are installed."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    module = machine.driver.module
    if module.version.get() is not None:
        return None
    if module.nouveau_loaded.peek():
        raise NotApplicable("nouveau drives the GPU (KM-01)")
    if machine.host.container.peek() is not None:
        raise NotApplicable("a container sees neither the host's modules nor its kernel packages")
    kernel = machine.host.kernel.get() or "the running kernel"
    built_for = module.built_for.get() or ()
    evidence = (
        observed("running kernel", machine.host.kernel),
        observed("nvidia module loaded", module.version),
        observed(
            "kernels with an nvidia module",
            module.built_for,
            lambda names: ", ".join(names) or "none",
        ),
    )
    if kernel in built_for:
        return RULE.finding(
            f"the nvidia module for kernel {kernel} is installed but not loaded",
            evidence=evidence,
            cause="The module is there, and nothing loaded it, or the kernel refused it (Secure Boot: see KM-04).",
            fix=Fix(
                "Load it, and read what the kernel says",
                ("sudo modprobe nvidia", "sudo dmesg | grep -i nvrm | tail"),
                needs_root=True,
            ),
            verify="cat /sys/module/nvidia/version",
        )
    if built_for:
        return RULE.finding(
            f"no nvidia module for the running kernel {kernel}; there is one for {', '.join(built_for)}",
            evidence=evidence,
            cause="The kernel was updated and the module was not built for it.",
            fix=Fix(
                "Install this kernel's headers and build the module, or boot the former kernel meanwhile",
                (
                    f"sudo apt-get install linux-headers-{kernel} || sudo dnf install kernel-devel-{kernel}",
                    "sudo dkms autoinstall",
                    "sudo modprobe nvidia",
                ),
                needs_root=True,
            ),
            verify="cat /sys/module/nvidia/version",
        )
    return RULE.finding(
        f"no NVIDIA driver is installed: no nvidia module for kernel {kernel} or any other",
        evidence=evidence,
        cause="The GPU is on the bus and its driver was never installed, or was removed.",
        fix=Fix(
            "Install the driver from the distribution or from NVIDIA's repository, then reboot",
            ("sudo ubuntu-drivers install --gpgpu || sudo dnf install nvidia-open",),
            needs_root=True,
        ),
        verify="nvidia-smi",
    )


RULE = MachineRule(
    code="KM-02",
    reason="no-driver",
    layer="kernel",
    title="no nvidia module for the running kernel",
    explanation="A kernel module fits one kernel. After a kernel update the module must be built or installed anew:"
    " DKMS does so only with that kernel's headers.",
    messages=(
        "modprobe: FATAL: Module nvidia not found",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
    ),
    source="NVIDIA/nvidia-docker#365; CachyOS/linux-cachyos#118; GoogleCloudPlatform/compute-gpu-installation#18",
    judge=judge,
    follows=("HW-15", "KM-03", "KM-04"),
)

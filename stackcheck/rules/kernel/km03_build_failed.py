"""KM-03: the module could not be built for the running kernel."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, drives_gpus_by_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge what DKMS left behind, and whether the kernel's headers are there."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    module = machine.driver.module
    kernel = machine.host.kernel.get()
    if module.version.get() is not None or kernel in (module.built_for.get() or ()):
        return None
    if machine.host.container.peek() is not None:
        raise NotApplicable("a container does not see its host's module builds")
    failed = limit_of(machine, "dkms_build_failed")
    headers = limit_of(machine, "kernel_headers")
    if not failed.get():
        return None
    missing = headers.get() == 0
    return RULE.finding(
        f"DKMS could not build the nvidia module for kernel {kernel}"
        + (": its headers are missing" if missing else ""),
        evidence=(
            observed("build log of DKMS", failed, lambda found: "there" if found else "none"),
            observed(
                "headers of the running kernel",
                headers,
                lambda found: "there" if found else "missing",
            ),
        ),
        cause="The headers of this kernel are not installed."
        if missing
        else "The driver's sources do not fit this kernel or its compiler.",
        fix=Fix(
            "Install headers and compiler of this kernel, or a driver release that supports it, and build again",
            (
                f"sudo apt-get install linux-headers-{kernel} || sudo dnf install kernel-devel-{kernel}",
                "sudo dkms autoinstall",
                "tail -50 /var/lib/dkms/nvidia/*/build/make.log",
            ),
            needs_root=True,
        ),
        verify="cat /sys/module/nvidia/version",
    )


RULE = MachineRule(
    code="KM-03",
    reason="no-driver",
    layer="kernel",
    title="the module build fails",
    explanation="DKMS compiles the driver's module for each kernel. That needs the kernel's headers, the compiler that"
    " built it, and a driver release whose sources know it.",
    messages=(
        "Error! Bad return status for module build on kernel: 6.8.0-45-generic (x86_64)",
        'An error occurred while performing the step: "Building kernel modules"',
    ),
    source="GoogleCloudPlatform/compute-gpu-installation#33; NVIDIA/open-gpu-kernel-modules#429",
    judge=judge,
)

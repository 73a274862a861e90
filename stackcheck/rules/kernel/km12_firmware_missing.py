"""KM-12: the GSP firmware files are missing."""

from __future__ import annotations

from stackcheck.model.fact import Known
from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the firmware directory where NVML counts no GPU; a GPU that works has its firmware."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_module(machine)
    if machine.gpus.peek():
        return None
    if machine.host.container.get() is not None:
        raise NotApplicable("a container does not see its host's firmware")
    files = limit_of(machine, "gsp_firmware")
    release = machine.driver.module.version.get()
    if files.get():
        return None
    counted = (
        "counts no GPU" if isinstance(machine.gpus, Known) else "does not say which GPUs there are"
    )
    return RULE.finding(
        f"no GSP firmware for driver {release}, and NVML {counted}",
        evidence=(
            observed("gsp_*.bin files", files),
            observed("loaded nvidia module", machine.driver.module.version),
        ),
        cause="The module loads firmware of its own release into the GPU; the package is missing or of another"
        " release, or the initramfs lacks it.",
        fix=Fix(
            "Install the firmware package of the module's release and rebuild the initramfs",
            (
                f"ls /lib/firmware/nvidia/{release}/",
                f"sudo apt-get install nvidia-firmware-{str(release).partition('.')[0]}-{release}",
                "sudo update-initramfs -u || sudo dracut --force",
            ),
            needs_root=True,
        ),
        verify=f"ls /lib/firmware/nvidia/{release}/gsp_*.bin",
    )


RULE = MachineRule(
    code="KM-12",
    reason="no-driver",
    layer="kernel",
    title="GSP firmware files missing",
    explanation="From Turing on the driver runs partly on the GPU's own processor, whose firmware is a file beside the"
    " module.",
    messages=(
        "NVRM: RmInitAdapter: Cannot initialize GSP firmware RM",
        "Direct firmware load for nvidia/580.95.05/gsp_ga10x.bin failed with error -2",
    ),
    source="NVIDIA/open-gpu-kernel-modules#789; osinit.c",
    judge=judge,
)

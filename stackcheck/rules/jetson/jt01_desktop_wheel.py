"""JT-01: a desktop wheel on a Jetson."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_platform

__all__ = ["RULE"]

FIRST_COMMON = Version("13")
"""From CUDA 13 on Jetson Thor runs the builds for aarch64 servers."""


def judge(situation: Situation) -> Finding | None:
    """Judge builds that come from an index of desktops, by what the knowledge calls them."""
    machine = situation.machine
    require_platform(machine, "jetson")
    builds = [build for build in situation.builds if build.is_gpu]
    if not builds:
        raise NotApplicable("no GPU build is installed")
    driver = machine.driver.cuda.get()
    desktop = [
        build
        for build in builds
        if build.platform != "jetson"
        and build.channel != "installed"
        and not (driver and driver >= FIRST_COMMON and build.cuda and build.cuda >= FIRST_COMMON)
    ]
    if not desktop:
        return None
    build = desktop[0]
    return RULE.finding(
        f"{build.label} from {build.channel} is a build for {build.platform}, and this is a Jetson",
        evidence=(
            Evidence(build.label, f"{build.channel}, {build.platform}", "knowledge"),
            observed("Jetson Linux", machine.host.os),
        ),
        cause="Desktop and server wheels have no code for Jetson's own GPU and expect another driver.",
        fix=Fix(
            "Install the vendor's wheel for this JetPack",
            (f"python -m pip uninstall -y {build.distribution}", "cat /etc/nv_tegra_release"),
            reversible=True,
        ),
        verify="python -c 'import torch; print(torch.cuda.is_available())'",
        subject=build.label,
    )


RULE = MachineRule(
    code="JT-01",
    reason="platform-unsupported",
    layer="jetson",
    title="desktop wheel on a Jetson",
    explanation="Jetson boards up to Orin have wheels of their own, made for one JetPack.",
    messages=("no kernel image is available for execution on the device",),
    source="Lmy0217/PyTorch-aarch64#3; conda-forge/pytorch-cpu-feedstock#303",
    judge=judge,
    follows=("DR-04",),
)

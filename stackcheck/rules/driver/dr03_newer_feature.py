"""DR-03: a feature newer than the driver, inside one CUDA major."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

LARGE_PARAMETERS = Version("530")
"""First driver with kernel parameters above 4 KiB, which CUDA 12.1 uses, although CUDA 12 starts at 525."""
FIRST_USER = Version("12.1")


def judge(situation: Situation) -> Finding | None:
    """Judge drivers of CUDA 12's first branch against builds that are newer than it."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    builds = [
        build
        for build in situation.builds
        if build.cuda is not None
        and build.cuda.major == FIRST_USER.major
        and build.cuda >= FIRST_USER
    ]
    if not builds:
        raise NotApplicable("no build for CUDA 12.1 or later of that major is installed")
    release = machine.driver.release.get()
    if release is None or release.major != 525:
        return None
    return RULE.finding(
        f"driver {release} runs {builds[0].label} by minor-version compatibility, without what driver"
        f" {LARGE_PARAMETERS} brought",
        evidence=(
            observed("driver", machine.driver.release),
            Evidence(builds[0].label, f"CUDA {builds[0].cuda}", "knowledge"),
        ),
        cause="Within one CUDA major an older driver runs newer programs, except for features that it lacks: kernels"
        " with large parameters need driver 530.",
        fix=Fix(f"Update the driver to {LARGE_PARAMETERS} or newer"),
        verify="nvidia-smi",
        subject=builds[0].label,
    )


RULE = MachineRule(
    code="DR-03",
    reason="driver-too-old-for-cuda",
    layer="driver",
    severity="warning",
    title="a feature newer than the driver inside one major",
    explanation="Minor-version compatibility leaves out features that the driver does not have; they fail with 801"
    " when first used.",
    messages=("CUDA error: operation not supported",),
    source="pytorch/pytorch#135126; CUDA Compatibility, Minor Version Compatibility",
    judge=judge,
    follows=("DR-01",),
)

"""DR-01: the driver is older than the runtime's CUDA allows."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.driver.alternative import find_alternative
from stackcheck.rules.driver.floor import is_too_old
from stackcheck.rules.driver.forward import carried_forward
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the driver against the floor of the build's CUDA."""
    if build.cuda is None or situation.has_no_gpu or not is_too_old(build.cuda, situation):
        return None
    if carried_forward(build.cuda, situation):
        return None
    driver = situation.machine.driver
    floor = situation.knowledge.driver_floor(build.cuda, situation.platform)
    release = driver.release.peek()
    reported = situation.driver_cuda.peek()
    have = f"driver {release}" if release else "the driver"
    if reported:
        have += f" (CUDA {reported})"
    need = f"{floor} or newer" if floor else f"one for CUDA {build.cuda.major}"
    other = find_alternative(build, situation)
    return RULE.finding(
        f"{have} is too old for {build.label}, which is built with CUDA {build.cuda} and needs driver {need}",
        evidence=(
            *((Evidence("driver", str(release), driver.release.source),) if release else ()),
            *(
                (Evidence("CUDA of the driver", str(reported), situation.driver_cuda.source),)
                if reported
                else ()
            ),
            Evidence(
                f"oldest driver for CUDA {build.cuda.major}.x",
                str(floor),
                "CUDA Compatibility guide",
            ),
        ),
        cause="A CUDA runtime starts only on a driver of its own major version or a later one.",
        fix=Fix(
            f"Update the driver to {need}" + (f"; or install {other.label}" if other else ""),
            (other.install,) if other and other.install else (),
        ),
        verify="nvidia-smi",
        subject=build.label,
    )


RULE = BuildRule(
    code="DR-01",
    reason="driver-too-old-for-cuda",
    layer="driver",
    title="driver older than the runtime's major allows",
    explanation="Every CUDA major has an oldest driver: 450.80.02 for 11, 525.60.13 for 12, 580.65.06 for 13 on Linux;"
    " before CUDA 11 each release has its own. Within a major any newer minor runs (minor-version compatibility). On"
    " data-centre GPUs a cuda-compat package bridges one step.",
    messages=(
        "CUDA driver version is insufficient for CUDA runtime version",
        "The NVIDIA driver on your system is too old (found version 11040)",
    ),
    source="CUDA Compatibility guide; nagadomi/nunif#702; pytorch/pytorch#135126",
    judge=judge,
)

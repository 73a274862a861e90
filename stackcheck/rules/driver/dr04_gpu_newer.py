"""DR-04: a GPU is newer than all the code in the build."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Finding
from stackcheck.rules.driver.alternative import find_alternative, word_alternative
from stackcheck.rules.driver.coverage import evidence_of, find_gaps, name_of
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge every GPU against the code of the build and of the libraries that it is pinned to."""
    if not build.is_gpu:
        return None
    gaps = [gap for gap in find_gaps(build, situation) if gap.newer]
    if not gaps:
        return None
    gap = gaps[0]
    names = ", ".join(sorted({name_of(each.gpu) for each in gaps}))
    life = situation.knowledge.architecture(gap.capability)
    since = (
        f"a build for CUDA {life.first_cuda} or later"
        if life and life.first_cuda
        else "a newer build"
    )
    return RULE.finding(
        f"{gap.code.owner} has no code for {names} (compute capability {gap.capability}): {gap.limit}",
        evidence=evidence_of(gaps),
        cause="Machine code runs within its own major capability only, and there is no PTX that the driver could"
        " compile for this GPU.",
        fix=word_alternative(
            find_alternative(build, situation),
            f"Take {since} that lists sm_{str(gap.capability).replace('.', '')}: `stackcheck resolve` names it",
        ),
        verify="python -c 'import torch; print(torch.cuda.get_arch_list())'"
        if build.framework == "pytorch"
        else "",
        subject=build.label,
    )


RULE = BuildRule(
    code="DR-04",
    reason="arch-not-in-build",
    layer="driver",
    title="GPU newer than the binary",
    explanation="A build carries machine code (cubins) for a list of architectures. A cubin runs within its major"
    " capability on an equal or higher minor; another major needs PTX in the build, which most wheels lack. So a GPU"
    " that is newer than the build has nothing to run.",
    messages=(
        "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation",
        "CUDA error: no kernel image is available for execution on the device",
    ),
    source="replicate/cog: pkg/doctor/gpu_compatibility.go; pytorch/pytorch#167244; Blackwell Compatibility Guide",
    judge=judge,
)

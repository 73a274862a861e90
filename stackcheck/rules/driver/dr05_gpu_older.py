"""DR-05: a GPU is older than all the code in the build."""

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
    gaps = [gap for gap in find_gaps(build, situation) if not gap.newer]
    if not gaps:
        return None
    gap = gaps[0]
    names = ", ".join(sorted({name_of(each.gpu) for each in gaps}))
    life = situation.knowledge.architecture(gap.capability)
    last = f" for CUDA {life.last_cuda} or earlier" if life and life.last_cuda else ""
    return RULE.finding(
        f"{gap.code.owner} no longer has code for {names} (compute capability {gap.capability}): {gap.limit}",
        evidence=evidence_of(gaps),
        cause="Newer builds, and every build for a newer CUDA major, leave out the oldest generations.",
        fix=word_alternative(
            find_alternative(build, situation),
            f"Take a build{last} that still lists this capability: `stackcheck resolve` names the newest",
        ),
        verify="python -c 'import torch; print(torch.cuda.get_arch_list())'"
        if build.framework == "pytorch"
        else "",
        subject=build.label,
    )


RULE = BuildRule(
    code="DR-05",
    reason="arch-dropped",
    layer="driver",
    title="GPU older than the binary",
    explanation="Each CUDA major drops the oldest GPU generations, and projects drop more to keep wheels small. A"
    " build without code for a GPU fails at the first kernel although the driver is fine.",
    messages=(
        "NVIDIA GeForce GTX 1080 Ti with CUDA capability sm_61 is not compatible with the current PyTorch installation",
        "CUDA error: no kernel image is available for execution on the device",
    ),
    source="Comfy-Org/ComfyUI#16438; pytorch/pytorch#157517",
    judge=judge,
)

"""PY-01: a CPU-only build on a machine with an NVIDIA GPU."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the build's label; a machine of which nothing is said is taken to be meant for its GPU."""
    if build.is_gpu or situation.has_no_gpu or situation.platform == "macos":
        return None
    others = [
        other
        for other in situation.knowledge.builds(build.framework)
        if other.is_gpu and other.version == build.version and other.platform == build.platform
    ]
    if not others:
        return None
    channels = ", ".join(sorted({f"{other.build} ({other.channel})" for other in others}))
    return RULE.finding(
        f"{build.label} from {build.channel} has no GPU code; the same release has {channels}",
        evidence=(
            Evidence(
                build.label,
                "CPU-only build",
                build.evidence[0].source if build.evidence else "metadata",
            ),
        ),
        cause="The default index serves a CPU build for this platform, or a CPU build was asked for.",
        fix=Fix(
            "Install the GPU build of the same release",
            (others[0].install,) if others[0].install else (),
        ),
        verify="python -c 'import torch; print(torch.version.cuda)'"
        if build.framework == "pytorch"
        else "",
        subject=build.label,
    )


RULE = BuildRule(
    code="PY-01",
    reason="cpu-only-build-installed",
    layer="python",
    title="CPU-only build on a GPU machine",
    explanation="A framework without GPU code imports and runs, only never on the GPU. The default index gives CPU"
    " builds for Windows, and long did for aarch64; an ordinary install can also replace a CUDA build by a CPU one.",
    messages=("AssertionError: Torch not compiled with CUDA enabled",),
    source="pytorch/pytorch#30664, #168065",
    judge=judge,
    follows=("PY-11",),
)

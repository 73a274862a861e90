"""TK-01: the toolkit that extensions would be built with is of another CUDA major than the framework."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the chosen toolkit against the first installed build; minors may differ."""
    toolkits = situation.machine.toolkits.get() or ()
    builds = [build for build in situation.builds if build.cuda is not None]
    if not toolkits or not builds:
        raise NotApplicable("no toolkit, or no build for CUDA, is installed")
    toolkit, build = toolkits[0], builds[0]
    version = toolkit.version.get()
    if version is None or build.cuda is None or version.major == build.cuda.major:
        return None
    return RULE.finding(
        f"the CUDA toolkit is {version}, {build.label} is built with {build.cuda}: extensions cannot be compiled",
        evidence=(
            Evidence(
                toolkit.path,
                f"CUDA {version}, chosen by {toolkit.chosen_by}",
                toolkit.version.source,
            ),
            Evidence(build.label, f"CUDA {build.cuda}", "knowledge"),
        ),
        cause="Compiled extensions share the framework's CUDA runtime, so their compiler must be of the same major."
        " Running what is installed needs no toolkit at all.",
        fix=Fix(
            f"Only to build extensions: point CUDA_HOME at a toolkit {build.cuda.major}.x, or install it in the"
            " environment",
            (f"export CUDA_HOME=/usr/local/cuda-{build.cuda}",),
        ),
        verify="$CUDA_HOME/bin/nvcc --version",
        subject=build.label,
    )


RULE = MachineRule(
    code="TK-01",
    reason="other",
    layer="toolkit",
    severity="info",
    title="nvcc differs from the framework's CUDA",
    explanation="It matters only to those who compile extensions: the builder refuses another major.",
    messages=(
        "The detected CUDA version (10.1) mismatches the version that was used to compile PyTorch (12.1)",
    ),
    source="pytorch/pytorch#73047, #4150; vllm-project/vllm#1453",
    judge=judge,
)

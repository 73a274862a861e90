"""PY-14: a satellite (torchvision) or an extension (flash-attn) that does not belong to its framework's release."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.python.extensions import judge_extensions
from stackcheck.rules.python.local_versions import judge_local_versions
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge each satellite beside the build by release and by build label, then what else is compiled against it."""
    return (
        _judge_satellites(build, situation)
        or judge_local_versions(RULE, build, situation)
        or judge_extensions(RULE, build, situation)
    )


def _judge_satellites(build: Build, situation: Situation) -> Finding | None:
    wrong: list[tuple[str, Version, str]] = []
    for name, partner in build.companions.items():
        installed = situation.packages.get(name)
        if installed is None:
            continue
        same_release = installed.release == Version(partner).release
        same_build = not installed.local or not build.build or installed.local == build.build
        if not (same_release and same_build):
            wrong.append((name, installed, partner))
    if not wrong:
        return None
    name, installed, partner = wrong[0]
    pins = " ".join(f"{each}=={fitting}" for each, _, fitting in wrong)
    return RULE.finding(
        f"{name} {installed} is beside {build.label}, to which {name} {partner} belongs",
        evidence=tuple(
            Evidence(
                each, f"{have}, partner of {build.version} is {fitting}", "installed or asked for"
            )
            for each, have, fitting in wrong
        ),
        cause="Satellites are compiled against one release and one CUDA build of their framework.",
        fix=Fix(
            "Install them in one command from one index",
            (f"python -m pip install {build.distribution}=={build.version} {pins}",),
            reversible=True,
        ),
        subject=build.label,
    )


RULE = BuildRule(
    code="PY-14",
    reason="co-install-conflict",
    layer="python",
    title="framework and satellites do not belong together",
    explanation="torchvision and torchaudio register compiled operators with torch. With another release, or with a CPU"
    " build beside a CUDA one, the operators are missing. flash-attn, xformers, vllm, bitsandbytes, tensorflow-text and"
    " others are compiled against one release as well, or load its CUDA libraries.",
    messages=("RuntimeError: operator torchvision::nms does not exist",),
    source="pytorch/vision#8985; pytorch/pytorch#157648, #62350",
    judge=judge,
)

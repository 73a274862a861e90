"""PY-19: the release has no GPU build for this platform at all."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge whether any channel has GPU code of this release for the build's platform."""
    if build.is_gpu or situation.has_no_gpu:
        return None
    if situation.platform == "macos" and not situation.machine.gpus.peek():
        return None  # nobody said that this Mac has an NVIDIA GPU, and few have
    rows = [row for row in situation.knowledge.builds(build.framework) if row.is_gpu]
    here = [row for row in rows if row.platform == build.platform]
    if any(row.version == build.version for row in here):
        return None
    elsewhere = sorted({row.platform for row in rows if row.version == build.version})
    last = max((row.version for row in here), default=None)
    newest = (
        f"; {last} was the last that had one" if last is not None and last < build.version else ""
    )
    fix = (
        f"Use {build.framework} {last} there" if last is not None else "Use another framework there"
    )
    if elsewhere:
        fix += f", or a platform that has one ({', '.join(elsewhere)})"
    if build.platform.startswith("windows"):
        fix += "; on Windows that can be WSL2"
    return RULE.finding(
        f"{build.framework} {build.version} has no GPU build for {build.platform}{newest}",
        evidence=(
            Evidence(
                build.label,
                "CPU-only build",
                build.evidence[0].source if build.evidence else "metadata",
            ),
        ),
        cause="The project publishes no GPU code of this release for this operating system and processor.",
        fix=Fix(fix),
        subject=build.label,
    )


RULE = BuildRule(
    code="PY-19",
    reason="platform-unsupported",
    layer="python",
    title="no GPU build for this platform",
    explanation="GPU builds are published for some platforms only: TensorFlow after 2.10 and JAX have none for native"
    " Windows, many have none for aarch64. The CPU build installs without a word.",
    messages=("Num GPUs Available:  0",),
    source="TensorFlow install guide (GPU support on native Windows ended with 2.10); JAX installation guide",
    judge=judge,
)

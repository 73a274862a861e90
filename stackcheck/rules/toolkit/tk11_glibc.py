"""TK-11: the C library is older than the build needs."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the machine's glibc against the build's floor; musl has none, and loads no such build."""
    if build.glibc is None or not build.platform.startswith(("linux", "jetson")):
        return None
    glibc = situation.machine.host.glibc.get()
    if glibc is not None and glibc >= build.glibc:
        return None
    have = f"glibc {glibc}" if glibc is not None else "no glibc (musl)"
    return RULE.finding(
        f"{build.label} needs glibc {build.glibc} and this system has {have}",
        evidence=(
            Evidence("glibc", str(glibc or "absent"), situation.machine.host.glibc.source),
            Evidence(
                build.label,
                f"glibc {build.glibc}",
                build.evidence[0].source if build.evidence else "metadata",
            ),
        ),
        cause="A wheel's manylinux tag names the oldest C library that it loads with.",
        fix=Fix(
            "Take an older release, a container with a newer system, or upgrade the system; glibc itself cannot"
            " be replaced"
        ),
        verify="ldd --version",
        subject=build.label,
    )


RULE = BuildRule(
    code="TK-11",
    reason="glibc-too-old",
    layer="toolkit",
    title="C library too old",
    explanation="Builds are linked against a C library of some age; an older system lacks symbols, and the installer"
    " offers no file or the import fails.",
    messages=("version `GLIBC_2.28' not found",),
    source="pytorch/pytorch#157709, #87279; PEP 600",
    judge=judge,
)

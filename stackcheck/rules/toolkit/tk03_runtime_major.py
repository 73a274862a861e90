"""TK-03: the CUDA toolkit that the build takes its libraries from is not there."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE", "serves"]


def serves(toolkit: Version, needed: Version) -> bool:
    """Tell whether a toolkit has the libraries of another: `libcudart.so.10.1` and `libcudart.so.12` tell how.

    Until CUDA 10 the soname carried the minor version, from 11 on the major alone. A toolkit of which only the major
    is said (`9`) serves every minor of it.
    """
    said = 1 if needed.major > 10 else min(2, len(toolkit.release))
    return toolkit.release[:said] == needed.release[:said]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the machine's toolkits, for builds that bring no CUDA libraries of their own."""
    if build.cuda is None or not (build.cuda_linkage == "system" or build.from_source):
        return None
    needed = build.cuda
    toolkits = situation.machine.toolkits.get() or ()
    versions = [version for toolkit in toolkits if (version := toolkit.version.peek())]
    brought = any(
        name.startswith(("nvidia-cuda-runtime", "cuda-toolkit")) for name in situation.packages
    )
    if not versions or brought:
        return None
    if any(
        version >= needed if build.from_source else serves(version, needed) for version in versions
    ):
        return None
    have = ", ".join(map(str, versions))
    wanted = str(needed) if needed.major <= 10 else f"{needed.major}.x"
    if build.from_source:
        wanted = f"{needed} or newer"
    return RULE.finding(
        f"{build.label} takes CUDA {wanted} from the machine, which has CUDA {have}",
        evidence=(
            Evidence("CUDA toolkit", have, situation.machine.toolkits.source),
            Evidence(
                build.label,
                f"CUDA {build.cuda}",
                build.evidence[0].source if build.evidence else "metadata",
            ),
        ),
        cause="The sonames of CUDA's libraries carry their version; the loader takes no other.",
        fix=Fix(
            f"Install the runtime libraries of CUDA {wanted}, or take the build for CUDA {versions[0].major}"
        ),
        subject=build.label,
    )


RULE = BuildRule(
    code="TK-03",
    reason="other",
    layer="toolkit",
    title="runtime library of the needed major absent",
    explanation="Builds that bring no CUDA libraries need the toolkit of their major (before CUDA 11, of their minor)"
    " on the machine or as component packages.",
    messages=("libcudart.so.11.0: cannot open shared object file: No such file or directory",),
    source="commaai/openpilot#31708; NVIDIA/tensorflow#110",
    judge=judge,
)

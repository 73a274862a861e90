"""PY-18: a library that a build links and does not declare."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]

PACKAGES = {
    "libcudss.so.0": "nvidia-cudss-cu12",
    "libcusparseLt.so.0": "nvidia-cusparselt-cu12",
    "libnvshmem_host.so.3": "nvidia-nvshmem-cu12",
    "libnvpl_lapack_lp64_gomp.so.0": "nvpl-lapack",
    "libnvpl_blas_lp64_gomp.so.0": "nvpl-blas",
}
"""Libraries that builds were seen to link without asking for their package."""


def judge(situation: Situation) -> Finding | None:
    """Judge what the extension modules need against the libraries of the environment."""
    environment = environment_of(situation.machine)
    needed = [
        (build.distribution, soname)
        for build in environment.builds.get() or ()
        for soname in build.needed
        if soname in PACKAGES
    ]
    if not needed:
        raise NotApplicable("nothing installed links one of these libraries")
    there = {library.soname for library in environment.libraries.get() or ()}
    names = {entry.name for entry in environment.distributions.get() or ()}
    missing = [
        (owner, soname)
        for owner, soname in needed
        if soname not in there and PACKAGES[soname] not in names
    ]
    if not missing:
        return None
    owner, soname = missing[0]
    return RULE.finding(
        f"{owner} links {soname}, and no installed package brings it",
        evidence=tuple(
            Evidence(f"{owner} needs", soname, "ELF header") for owner, soname in missing
        ),
        cause="The wheel's metadata forgot the dependency.",
        fix=Fix(
            "Install the component by hand",
            (f"python -m pip install {PACKAGES[soname]}",),
            reversible=True,
        ),
        verify="stackcheck doctor --only PY-18",
        subject=owner,
    )


RULE = MachineRule(
    code="PY-18",
    reason="other",
    layer="python",
    title="a library linked and not declared",
    explanation="Seen with builds for aarch64 servers and Jetson.",
    messages=(
        "libnvpl_lapack_lp64_gomp.so.0: cannot open shared object file",
        "libcudss.so.0: cannot open shared object file",
    ),
    source="pollen-robotics/microduck_rl#38, #39",
    judge=judge,
)

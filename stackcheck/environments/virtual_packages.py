"""conda's virtual packages of the machine that a plan is for, never of the machine that solves."""

from __future__ import annotations

from dataclasses import dataclass

from stackcheck.environments.header import cuda_override
from stackcheck.model.plan import Plan
from stackcheck.model.version import Version, parse_version

__all__ = ["VirtualPackage", "overrides_of", "virtual_packages_of"]

OLDEST_GLIBC = parse_version("2.17")
"""Assumed where nothing is known of the machine: what nearly every conda package asks for at least."""


@dataclass(frozen=True)
class VirtualPackage:
    """A property of a machine that conda packages depend on."""

    name: str
    version: str
    build: str = "0"


def _glibc(plan: Plan) -> Version:
    floors = [build.glibc for build in plan.builds if build.glibc is not None]
    return plan.glibc or max(floors, default=OLDEST_GLIBC)


def virtual_packages_of(plan: Plan) -> tuple[VirtualPackage, ...]:
    """Return the virtual packages, after CEP 30 and CEP 46.

    `__cuda_arch` is the lowest compute capability. The kernel is not in a plan: the one that came with the oldest
    distribution of that glibc stands in. `__archspec` is the platform's baseline, so that every node of a cluster
    can run what a login node builds.
    """
    found = [VirtualPackage("__unix", "0")]
    if plan.platform.startswith("windows"):
        found = [VirtualPackage("__win", "0")]
    elif plan.platform.startswith("macos"):
        found.append(VirtualPackage("__osx", "11.0"))
    else:
        glibc = _glibc(plan)
        kernel = "4.18" if glibc >= parse_version("2.28") else "3.10"
        found.append(VirtualPackage("__linux", kernel))
        found.append(VirtualPackage("__glibc", str(glibc)))
    if cuda := cuda_override(plan):
        found.append(VirtualPackage("__cuda", cuda))
        if plan.capabilities:
            found.append(VirtualPackage("__cuda_arch", str(min(plan.capabilities))))
    arch = {"macos-arm64": "arm64"}.get(plan.platform)
    if arch is None:
        arch = "x86_64" if plan.platform.endswith("x86_64") else "aarch64"
    found.append(VirtualPackage("__archspec", "1", arch))
    return tuple(found)


def overrides_of(plan: Plan) -> dict[str, str]:
    """Return the variables that tell conda, mamba and pixi the same. An empty one means: there is none."""
    known = {entry.name: entry for entry in virtual_packages_of(plan)}
    found = {"CONDA_OVERRIDE_CUDA": known["__cuda"].version if "__cuda" in known else ""}
    if "__cuda_arch" in known:
        found["CONDA_OVERRIDE_CUDA_ARCH"] = known["__cuda_arch"].version
    if "__glibc" in known:
        found["CONDA_OVERRIDE_GLIBC"] = known["__glibc"].version
    found["CONDA_OVERRIDE_ARCHSPEC"] = known["__archspec"].build
    return found

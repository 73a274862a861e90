"""What is compiled against a framework, or loads its CUDA libraries: whether a release of it fits a build and GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.specifier import admits
from stackcheck.model.version import Version
from stackcheck.rules.driver.coverage import name_of
from stackcheck.rules.rule import BuildRule, Situation

if TYPE_CHECKING:
    from stackcheck.knowledge.rows import ExtensionRelease

__all__ = ["fits", "judge_extensions"]


def judge_extensions(rule: BuildRule, build: Build, situation: Situation) -> Finding | None:
    """Judge every extension of the build's framework whose release is known."""
    for name, version, rows in _extensions(build, situation):
        if not any(fits(row, build) for row in rows):
            return _misfit(rule, name, version, rows[0], build, situation)
        needed = min((row.capability_min for row in rows if row.capability_min), default=None)
        if needed is not None:
            finding = _too_old(rule, name, version, needed, build, situation)
            if finding is not None:
                return finding
    return None


def _extensions(
    build: Build, situation: Situation
) -> Iterator[tuple[str, Version, Sequence[ExtensionRelease]]]:
    for name, version in situation.packages.items():
        if version is None or name in build.companions:
            continue
        length = len(version.release)
        rows = [
            row
            for row in situation.knowledge.extension(name)
            if row.framework == build.framework and row.version.release[:length] == version.release
        ]
        if rows:
            yield name, version, rows


def fits(row: ExtensionRelease, build: Build) -> bool:
    """Tell whether a release is made for a build of its framework."""
    specifier = row.requires.get(build.distribution, "")
    if not admits(specifier, build.version):
        return False
    return not row.builds or not build.is_gpu or build.build.startswith(row.builds)


def _misfit(
    rule: BuildRule,
    name: str,
    version: Version,
    row: ExtensionRelease,
    build: Build,
    situation: Situation,
) -> Finding:
    wanted = f"{build.distribution}{row.requires.get(build.distribution, '')}"
    if row.builds:
        wanted += f" for {', '.join(row.builds)}"
    fitting = [
        other.version
        for other in situation.knowledge.extension(name)
        if other.framework == build.framework and not other.yanked and fits(other, build)
    ]
    pin = f"{name}=={max(fitting)}" if fitting else ""
    return rule.finding(
        f"{name} {version} is beside {build.label} and is made for {wanted}",
        evidence=(
            Evidence(f"{name} {version}", wanted, row.evidence[0].source),
            Evidence(build.distribution, build.label, "installed or asked for"),
        ),
        cause="What is compiled against a framework, or loads its CUDA libraries, fits only what it was made for.",
        fix=Fix(
            f"Use {pin}" if pin else f"Use another release of {name} or of {build.framework}",
            (f"python -m pip install '{pin}'",) if pin else (),
            reversible=True,
        ),
        subject=f"{name} {version}",
    )


def _too_old(
    rule: BuildRule,
    name: str,
    version: Version,
    needed: Version,
    build: Build,
    situation: Situation,
) -> Finding | None:
    for gpu in situation.machine.gpus.peek() or () if build.is_gpu else ():
        capability = gpu.compute_capability.get()
        if capability is not None and capability < needed:
            return rule.finding(
                f"{name} {version} is for capability {needed} and later; {name_of(gpu)} has {capability}",
                evidence=(
                    Evidence(
                        name_of(gpu), f"capability {capability}", gpu.compute_capability.source
                    ),
                    Evidence(f"{name} {version}", f"capability {needed} and later", "knowledge"),
                ),
                cause="Its kernels use instructions that older GPUs do not have.",
                fix=Fix(f"Do without {name} on this GPU"),
                reason="arch-dropped",
                subject=f"{name} {version}",
            )
    return None

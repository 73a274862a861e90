"""What is installed, as the rules over builds want it: rows of the knowledge, or what the files themselves say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.model.build import Build
from stackcheck.model.environment import Distribution, Environment, InstalledBuild
from stackcheck.model.fact import Unknown
from stackcheck.model.machine import Machine
from stackcheck.model.version import Architecture, InvalidVersion, Version, parse_version
from stackcheck.rules.rule import Situation
from stackcheck.rules.scope import settle_gpus

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["build_of", "situation_of"]

_PIP_CHANNELS = ("pypi", "pytorch")
_PLATFORMS = {"jetson": ("jetson", "linux-aarch64")}
"""Where builds found on a platform may come from: a server's wheel installs on a Jetson, and JT-01 says so."""


def situation_of(machine: Machine, knowledge: Knowledge) -> Situation:
    """Return the machine with the builds and packages of its environment.

    Where the bus shows no NVIDIA GPU, the GPUs are known to be none, whatever a missing driver left unknown.
    """
    machine = settle_gpus(machine)
    environment = machine.environment.peek()
    if environment is None:
        return Situation(machine, knowledge)
    installed = environment.builds.peek() or ()
    taken = {build.distribution for build in installed}
    frameworks = {build.framework for build in installed}
    packages = {
        distribution.name: _version(distribution.version)
        for distribution in environment.distributions.peek() or ()
        if distribution.name not in taken and not _is_part(distribution, frameworks, knowledge)
    }
    builds = tuple(build_of(build, environment, machine, knowledge) for build in installed)
    return Situation(machine, knowledge, builds, packages, environment.python)


def _is_part(distribution: Distribution, frameworks: Collection[str], knowledge: Knowledge) -> bool:
    """Whether it is one of the conda packages that make up a build (`pytorch`, `pytorch-gpu`), no build of its own."""
    known = knowledge.name(distribution.name)
    return (
        bool(distribution.conda_build.peek())
        and known is not None
        and known.framework in frameworks
    )


def build_of(
    installed: InstalledBuild, environment: Environment, machine: Machine, knowledge: Knowledge
) -> Build:
    """Return the row of an installed build, found by version and build label; else one made from its own files."""
    platform = _platform(machine)
    label = installed.build.peek()
    rows = [
        row
        for row in knowledge.builds(installed.framework)
        if row.build == label
        and row.version.public == installed.version.public
        and (not platform or row.platform in _PLATFORMS.get(platform, (platform,)))
    ]
    if rows:
        conda = any(
            distribution.name == installed.distribution and distribution.conda_build.peek()
            for distribution in environment.distributions.peek() or ()
        )
        row = min(
            rows,
            key=lambda row: (row.platform != platform, (row.channel in _PIP_CHANNELS) is conda),
        )
        if row.architectures is None:
            return replace(row, architectures=_architectures(installed))
        return row
    return Build(
        framework=installed.framework,
        version=installed.version,
        build=label or ("unknown" if isinstance(installed.build, Unknown) else "cpu"),
        channel="installed",
        platform=platform,
        distribution=installed.distribution,
        cuda=installed.cuda.peek(),
        cudnn=installed.cudnn.peek(),
        architectures=() if label == "cpu" else _architectures(installed),
    )


def _architectures(installed: InstalledBuild) -> tuple[Architecture, ...] | None:
    texts = installed.architectures.peek()
    return None if texts is None else tuple(sorted(Architecture.parse(text) for text in texts))


def _platform(machine: Machine) -> str:
    """Return the platform as rows name it; empty where it is not known."""
    platform, arch = machine.host.platform.peek(), machine.host.arch.peek()
    if platform == "jetson":
        return "jetson"
    if platform is None or arch is None:
        return ""
    system = "linux" if platform == "wsl2" else platform
    return f"{system}-{'arm64' if (system, arch) == ('macos', 'aarch64') else arch}"


def _version(text: str) -> Version | None:
    try:
        return parse_version(text)
    except InvalidVersion:
        return None

"""Where builds come from: pip indexes and conda channels, by the channel that a knowledge row names."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.model.build import Build

__all__ = ["Index", "conda_channels", "is_conda", "pip_source", "subdir_of"]

WHEEL_INDEX = "https://download.pytorch.org/whl"
"""PyTorch's own wheel index; each build has a folder of its name below it."""

_SUBDIRS = {
    "linux-x86_64": "linux-64",
    "linux-aarch64": "linux-aarch64",
    "jetson": "linux-aarch64",
    "windows-x86_64": "win-64",
    "macos-arm64": "osx-arm64",
    "macos-x86_64": "osx-64",
}


@dataclass(frozen=True)
class Index:
    """A place with wheels besides the default index. `kind` is `index` (PEP 503) or `find-links` (one page)."""

    name: str
    url: str
    kind: str = "index"


def subdir_of(platform: str) -> str:
    """Return conda's name of a platform; raises `KeyError` for one that conda has no name for."""
    return _SUBDIRS[platform]


def is_conda(build: Build) -> bool:
    """Whether the build is a conda package rather than a wheel."""
    return build.channel == "conda-forge" or build.channel.startswith("conda:")


def conda_channels(builds: tuple[Build, ...]) -> tuple[str, ...]:
    """Return the channels of the conda builds, in order of priority.

    The `pytorch` channel never carried CUDA itself: up to CUDA 11.3 it comes from conda-forge's or the default
    channel's `cudatoolkit`, from `pytorch-cuda` 11.6 on from the `nvidia` channel.
    """
    channels: list[str] = []
    for build in builds:
        if not is_conda(build):
            continue
        own = build.channel.removeprefix("conda:")
        needed = [own]
        if own in {"pytorch", "pytorch-lts"} and build.is_gpu and build.version.release >= (1, 13):
            needed.append("nvidia")
        channels += [name for name in needed if name not in channels]
    if "conda-forge" not in channels:
        channels.append("conda-forge")
    return tuple(channels)


def _parse_pip(command: str) -> tuple[list[Requirement], list[tuple[str, str]]]:
    """Return the requirements and the (kind, URL) sources of a `pip install` line; empty for any other line."""
    words = shlex.split(command)
    if words[:2] != ["pip", "install"]:
        return [], []
    requirements: list[Requirement] = []
    sources: list[tuple[str, str]] = []
    rest = iter(words[2:])
    for word in rest:
        flag, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if flag in {"-i", "--index-url", "--extra-index-url"}:
            sources.append(("index", value or next(rest, "")))
        elif flag in {"-f", "--find-links"}:
            sources.append(("find-links", value or next(rest, "")))
        elif not word.startswith("-"):
            try:
                requirements.append(Requirement(word))
            except InvalidRequirement:
                continue
    return requirements, sources


def pip_source(build: Build) -> tuple[Requirement, Index | None]:
    """Return what to ask an installer of wheels for, and the index that has it (None: the default one).

    The row's own install line says both where it has one, since channels keep moving; else the name, the version
    and the channel do. A local version (`+cu128`) is added where the channel's wheels carry it: without it the
    default index's build of the same release would satisfy the pin, too.
    """
    wanted = {canonicalize_name(build.distribution), canonicalize_name(build.framework)}
    requirements, sources = _parse_pip(build.install)
    named = [entry for entry in requirements if canonicalize_name(entry.name) in wanted]
    requirement = named[0] if named else Requirement(f"{build.distribution}=={build.version}")
    name = f"{canonicalize_name(build.channel.replace(':', '-'))}-{build.build}"
    if build.channel == "pytorch":
        if build.platform.startswith(("linux-x86_64", "windows")) and not build.version.local:
            requirement = Requirement(f"{requirement.name}=={build.version}+{build.build}")
        return requirement, Index(name, f"{WHEEL_INDEX}/{build.build}")
    extra = [(kind, url) for kind, url in sources if not url.startswith("https://pypi.org/")]
    if not extra:
        return requirement, None
    kind, url = extra[0]
    return requirement, Index(name, url, kind)

"""Operating systems and channels as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from stackcheck.model.record import record
from stackcheck.model.version import Version

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["System", "read_channel", "read_system"]


@record(frozen=True)
class System:
    """What the text of an operating system tells: platform as `Host.platform`, and glibc where its release fixes it."""

    platform: str | None
    glibc: Version | None = None
    has_glibc: bool = True


def read_system(text: str, knowledge: Knowledge) -> System:
    """Read free text such as `Ubuntu 22.04`, `Windows 11 + WSL2` or `JetPack 6`."""
    lowered = text.lower()
    platform: str | None = None
    if re.search(r"\bwsl", lowered):
        platform = "wsl2"
    elif re.search(r"\bwindows\b|\bwin(?:10|11|32|64)\b", lowered):
        return System("windows", None, has_glibc=False)
    elif re.search(r"\bmac ?os\b|\bos x\b|\bdarwin\b", lowered):
        return System("macos", None, has_glibc=False)
    elif re.search(r"\bjetpack\b|\bl4t\b", lowered):
        platform = "jetson"
    for release in knowledge.os_releases:
        if re.search(release.pattern, lowered, re.IGNORECASE):
            return System(platform or release.platform, release.glibc, release.has_glibc)
    return System(
        platform or ("linux" if re.search(r"linux|unix|ubuntu|bsd|\bos\b|nix", lowered) else None)
    )


_CONDA = re.compile(r"conda")
_NOT_PIP = re.compile(r"conda|docker|apt|source")
_CHANNELS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"pypi|default index"), lambda channel: channel == "pypi"),
    (re.compile(r"conda-forge"), lambda channel: channel == "conda-forge"),
    (
        re.compile(r"(?:wheel|official|project.?s) index|index-url"),
        lambda channel: channel != "pypi" and not _NOT_PIP.match(channel),
    ),
    (re.compile(r"\bpip|\buv\b|poetry|pdm"), lambda channel: not _NOT_PIP.match(channel)),
    (re.compile(r"conda|mamba"), lambda channel: bool(_CONDA.match(channel))),
    (re.compile(r"docker|image|container|ngc"), lambda channel: channel.startswith("docker")),
)


def read_channel(text: str, channels: frozenset[str]) -> frozenset[str] | None:
    """Return which of the known channels a text means, or None if it narrows nothing.

    `pip` means the package index and the projects' own wheel indexes, `conda` every conda channel.
    """
    lowered = text.lower().strip()
    if lowered in channels:
        return frozenset({lowered})
    for pattern, belongs in _CHANNELS:
        if pattern.search(lowered):
            return frozenset(filter(belongs, channels)) or None
    return None

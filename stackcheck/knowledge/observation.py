"""What the package index and the wheels say of a distribution's releases, as rows would say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from stackcheck.binary.contents import READERS, WheelContents
from stackcheck.binary.index import IndexFile, PackageIndex
from stackcheck.binary.wheel import MalformedWheel, Wheel, WheelName
from stackcheck.model.record import record
from stackcheck.model.version import Version

__all__ = [
    "IndexView",
    "ObservedFile",
    "ObservedRelease",
    "Opened",
    "is_worth_keeping",
    "observe",
    "open_release",
    "requirements_of",
]

_PINNED = re.compile(r"nvidia-|cuda-toolkit$|cuda-bindings$|triton$|jaxlib$|tensorrt|setuptools$")
"""Requirements that rows keep; a plain `numpy` says nothing that `numpy:` does not."""
_SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
}


@record(frozen=True)
class ObservedFile:
    """A wheel of the index with its name taken apart."""

    file: IndexFile
    name: WheelName


@record(frozen=True)
class ObservedRelease:
    """The wheels of one release for one platform."""

    distribution: str
    version: Version
    platform: str
    wheels: tuple[ObservedFile, ...]

    @cached_property
    def python_tags(self) -> tuple[str, ...]:
        """Python tags, oldest first, free-threaded ones after the ordinary."""
        return tuple(
            sorted({tag for wheel in self.wheels for tag in wheel.name.python_tags}, key=tag_order)
        )

    @property
    def newest(self) -> ObservedFile:
        """The wheel of the newest ordinary CPython: the one that is opened."""
        ordinary = [wheel for wheel in self.wheels if not wheel.name.python_tags[0].endswith("t")]
        return max(ordinary or self.wheels, key=lambda wheel: tag_order(wheel.name.python_tags[0]))

    @property
    def glibc(self) -> Version | None:
        """Oldest glibc by the tags; the binaries may need a newer one."""
        return self.newest.name.glibc

    @property
    def requires_python(self) -> str:
        """Requires-Python."""
        return self.newest.file.requires_python

    @property
    def yanked(self) -> bool:
        """Whether every wheel is yanked."""
        return all(wheel.file.yanked for wheel in self.wheels)

    @property
    def released(self) -> str:
        """Day of the first upload; empty if the index does not tell."""
        return min(
            (wheel.file.uploaded for wheel in self.wheels if wheel.file.uploaded), default=""
        )


def tag_order(tag: str) -> tuple[int, int, bool]:
    """Sort `cp39` before `cp310`, and `cp313t` after it; what is no CPython tag first."""
    found = re.match(r"[a-z]+(\d)(\d*)(t?)", tag)
    if not found:
        return (0, 0, False)
    return (int(found[1]), int(found[2] or 0), bool(found[3]))


class IndexView:
    """The index, asked once per project. Raises `Unreachable`."""

    def __init__(self, index: PackageIndex) -> None:
        self._index = index
        self._files: dict[str, tuple[IndexFile, ...]] = {}
        self._releases: dict[str, dict[tuple[Version, str], ObservedRelease]] = {}

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return the project's files."""
        name = str(canonicalize_name(project))
        if name not in self._files:
            self._files[name] = self._index.files(name)
        return self._files[name]

    def releases(self, project: str) -> Mapping[tuple[Version, str], ObservedRelease]:
        """Return the project's releases by version and platform; a pure Python wheel has platform ``."""
        name = str(canonicalize_name(project))
        if name not in self._releases:
            self._releases[name] = observe(name, self.files(name))
        return self._releases[name]

    def has_sdist(self, project: str, version: Version) -> bool:
        """Tell whether the release has a source distribution."""
        for file in self.files(project):
            try:
                found = parse_sdist_filename(file.filename)[1]
            except InvalidSdistFilename:
                continue
            if found == version:
                return True
        return False

    def by_filename(self, project: str) -> Mapping[str, IndexFile]:
        """Return the project's files by name."""
        return {file.filename: file for file in self.files(project)}


def observe(
    distribution: str, files: Iterable[IndexFile]
) -> dict[tuple[Version, str], ObservedRelease]:
    """Group the wheels of a project by version and platform; what is no wheel is left out."""
    wheels: dict[tuple[Version, str], list[ObservedFile]] = {}
    for file in files:
        if not file.filename.endswith(".whl"):
            continue
        try:
            name = WheelName(file.filename)
        except MalformedWheel:
            continue
        wheels.setdefault((name.version, name.platform), []).append(ObservedFile(file, name))
    return {
        (version, platform): ObservedRelease(distribution, version, platform, tuple(found))
        for (version, platform), found in wheels.items()
    }


@record(frozen=True)
class Opened:
    """An opened wheel's own words; no `pins` where no wheel has METADATA."""

    contents: WheelContents | None
    pins: Mapping[str, str] | None


def open_release(
    release: ObservedRelease, own: ObservedRelease | None = None, extra: str = ""
) -> Opened:
    """Open the newest wheel by ranged reads.

    `own` is the release of the distribution that users name, where its GPU code comes in the wheel of another
    (`jax[cuda12]`): its pins count too, and the extras that it asks of the other are followed. Raises `Unreachable`,
    `MalformedWheel`, `MalformedElf` or `MalformedFatbin`.
    """
    wheel = release.newest.file.open_wheel()
    reader = READERS.get(
        "cupy" if release.distribution.startswith("cupy-cuda") else release.distribution
    )
    extras: Iterable[str] = (extra,)
    required: list[Requirement] = []
    if own is not None and own.distribution != release.distribution:
        outer = own.newest.file.open_wheel()
        required = requirements_of(outer, release.platform, release.python_tags, extras) or []
        extras = {
            name
            for item in required
            if canonicalize_name(item.name) == release.distribution
            for name in item.extras
        }
    inner = requirements_of(wheel, release.platform, release.python_tags, extras)
    pins: dict[str, str] = {}
    for item in (*required, *(inner or ())):
        # An extra may narrow what is required anyway; rows state the latter.
        pins.setdefault(str(canonicalize_name(item.name)), str(item.specifier))
    return Opened(contents=reader(wheel) if reader else None, pins=None if inner is None else pins)


def is_worth_keeping(name: str, specifier: str) -> bool:
    """Tell whether rows state such a requirement even where nothing else makes them."""
    return bool(_PINNED.match(name)) and (bool(specifier) or name != "setuptools")


def requirements_of(
    wheel: Wheel, platform: str, tags: Iterable[str], extras: Iterable[str] = ()
) -> list[Requirement] | None:
    """Return what the wheel requires on the platform for any of the Pythons; None if it has no METADATA."""
    if wheel.find(".dist-info/METADATA") is None:
        return None
    environments = [_environment(platform, tag, extra) for tag in tags for extra in {"", *extras}]
    found = []
    for text in wheel.metadata().get_all("Requires-Dist") or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate(values) for values in environments):
            found.append(requirement)
    return found


def _environment(platform: str, tag: str, extra: str) -> dict[str, str]:
    """Return the values of a marker's variables there."""
    system, _, machine = platform.partition("-")
    major, minor, _ = tag_order(tag)
    return {
        **_SYSTEMS.get(system, _SYSTEMS["linux"]),
        "platform_machine": machine or "x86_64",
        "python_version": f"{major}.{minor}",
        "python_full_version": f"{major}.{minor}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": extra,
    }

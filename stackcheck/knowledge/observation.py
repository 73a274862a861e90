"""What the package index says of a distribution's releases, as rows would say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from stackcheck.binary.index import IndexFile, PackageIndex
from stackcheck.binary.wheel import MalformedWheel, WheelName
from stackcheck.model.record import record
from stackcheck.model.version import Version

__all__ = [
    "IndexView",
    "ObservedFile",
    "ObservedRelease",
    "observe",
    "tag_order",
]


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

    def find(self, project: str, version: Version, platform: str) -> ObservedRelease | None:
        """Return a release for a platform, or the one in pure Python; None if there is neither."""
        releases = self.releases(project)
        return releases.get((version, platform)) or releases.get((version, ""))

    def has_sdist(self, project: str, version: Version) -> bool:
        """Tell whether the release has a source distribution."""
        return any(
            _version_of(file) == version
            for file in self.files(project)
            if not file.filename.endswith(".whl")
        )

    def standing_files(self, project: str) -> Mapping[Version, IndexFile]:
        """Return one file of every release that is not yanked, wheels and sources alike."""
        found: dict[Version, IndexFile] = {}
        for file in self.files(project):
            version = _version_of(file)
            if version is not None and not file.yanked:
                found[version] = file
        return found

    def by_filename(self, project: str) -> Mapping[str, IndexFile]:
        """Return the project's files by name."""
        return {file.filename: file for file in self.files(project)}


def _version_of(file: IndexFile) -> Version | None:
    """Return the release that a file is of; None if its name does not tell."""
    try:
        if file.filename.endswith(".whl"):
            return WheelName(file.filename).version
        return parse_sdist_filename(file.filename)[1]
    except (InvalidSdistFilename, MalformedWheel):
        return None


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

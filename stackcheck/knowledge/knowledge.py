"""Everything that the matrices say, loaded lazily and never changed afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from stackcheck.knowledge.cache import compiled
from stackcheck.knowledge.compilation import compile_builds, compile_heads, compile_tables
from stackcheck.knowledge.decoding import decoders_of
from stackcheck.knowledge.expansion import BUILD_DECODERS
from stackcheck.knowledge.packing import unpack
from stackcheck.knowledge.rows import (
    ArchitectureLife,
    CudaRelease,
    CudnnSupport,
    DriverBranch,
    DriverFloor,
    ExtensionRelease,
    ForwardPackage,
    FrameworkName,
    GpuProduct,
    JetPack,
    LibraryRelease,
    LibrarySeries,
    OsRelease,
    Quirk,
)
from stackcheck.knowledge.source import Source, find_sources
from stackcheck.model.build import Build
from stackcheck.model.name import normalise_name
from stackcheck.model.version import Version, parse_version

__all__ = ["Knowledge", "load"]

T = TypeVar("T")

_WINDOWS_DRIVERS = ("windows", "wsl2")
"""In WSL the driver, and the number that NVML gives, is that of Windows."""


@lru_cache(maxsize=8)
def load(directory: Path | None = None) -> Knowledge:
    """Return the shipped knowledge, the user's own rows over it, and those of `directory` over both.

    Raises `InputError` if `directory` is no folder; faults in files come up when their rows are asked for.
    """
    return Knowledge(find_sources(directory))


class Knowledge:
    """Typed rows of every matrix; pure once loaded. Faults in a file raise `InputError` where it is first read."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = list(sources)
        self._builds: dict[str, tuple[Build, ...]] = {}

    # Frameworks

    @cached_property
    def _heads(self) -> dict[str, dict[str, Any]]:
        """Framework to the heads of its files, the topmost layer's values winning."""
        files = self._files("frameworks")
        heads: list[dict[str, Any]] = compiled("frameworks", files, lambda: compile_heads(files))
        merged: dict[str, dict[str, Any]] = {}
        for source, head in zip(files, heads, strict=True):
            known = merged.setdefault(head["framework"], {"names": {}, "files": [], "dates": []})
            known.update(
                title=head["title"] or known.get("title") or head["framework"],
                distribution=head["distribution"],
                names={**known["names"], **head["names"]},
                files=[*known["files"], source],
                dates=[*known["dates"], *([] if source.layer else [head["as_of"]])],
            )
        return merged

    @cached_property
    def frameworks(self) -> tuple[str, ...]:
        """Names of all frameworks."""
        return tuple(self._heads)

    @cached_property
    def as_of(self) -> dt.date:
        """The day up to which all of the shipped knowledge holds: the oldest of its files' dates."""
        dates = [date for head in self._heads.values() for date in head["dates"]]
        dates += filter(None, (self._tables["as_of"], self._extension_tables["as_of"]))
        return min(map(dt.date.fromisoformat, dates), default=dt.date.min)

    def builds(self, framework: str) -> tuple[Build, ...]:
        """Return every row of the framework, newest version first; none for a framework that is not known."""
        if framework not in self._builds:
            files = self._heads.get(framework, {"files": []})["files"]
            packed = compiled(framework, files, lambda: compile_builds(files)) if files else None
            self._builds[framework] = unpack(packed, Build, BUILD_DECODERS) if packed else ()
        return self._builds[framework]

    @cached_property
    def _names(self) -> dict[str, FrameworkName]:
        names: dict[str, FrameworkName] = {}
        for framework, head in self._heads.items():
            names[normalise_name(framework)] = FrameworkName(framework, head["distribution"])
            for name, entry in head["names"].items():
                values = entry if isinstance(entry, dict) else {}
                names[normalise_name(name)] = FrameworkName(
                    framework,
                    values.get("distribution") or head["distribution"],
                    values.get("build", ""),
                )
        return names

    def name(self, text: str) -> FrameworkName | None:
        """Return what a framework's or distribution's name stands for; None if no framework has that name."""
        return self._names.get(normalise_name(text))

    def known_names(self) -> tuple[str, ...]:
        """Return every name that is known, extensions and satellites included, for hints on misspelt ones."""
        satellites = {row.extension for row in self.extensions}
        return tuple(sorted({*self._names, *satellites}))

    # NVIDIA's tables, quirks and extensions

    @cached_property
    def _tables(self) -> dict[str, Any]:
        files = [*self._files("nvidia"), *self._files("")]
        tables: dict[str, Any] = compiled("nvidia", files, lambda: compile_tables(files))
        return tables

    @cached_property
    def _extension_tables(self) -> dict[str, Any]:
        files = self._files("extensions")
        tables: dict[str, Any] = compiled("extensions", files, lambda: compile_tables(files))
        return tables

    def _files(self, folder: str) -> list[Source]:
        return [source for source in self._sources if source.folder == folder]

    def _rows(self, cls: type[T], table: str) -> tuple[T, ...]:
        document = self._extension_tables if table == "extensions" else self._tables
        packed = document["tables"].get(table)
        return unpack(packed, cls, decoders_of(cls)) if packed else ()

    @cached_property
    def drivers(self) -> tuple[DriverBranch, ...]:
        """Driver branches, newest first."""
        return _sorted(self._rows(DriverBranch, "drivers"), lambda row: row.branch)

    @cached_property
    def floors(self) -> tuple[DriverFloor, ...]:
        """Oldest drivers per CUDA major, newest first."""
        return _sorted(self._rows(DriverFloor, "floors"), lambda row: row.cuda)

    @cached_property
    def cuda(self) -> tuple[CudaRelease, ...]:
        """Toolkit releases, newest first."""
        return _sorted(self._rows(CudaRelease, "cuda"), lambda row: row.version)

    @cached_property
    def architectures(self) -> tuple[ArchitectureLife, ...]:
        """Compute capabilities, newest first."""
        return _sorted(self._rows(ArchitectureLife, "architectures"), lambda row: row.capability)

    @cached_property
    def gpus(self) -> tuple[GpuProduct, ...]:
        """Products."""
        return self._rows(GpuProduct, "gpus")

    @cached_property
    def libraries(self) -> Mapping[str, tuple[LibraryRelease, ...]]:
        """Distribution of an NVIDIA library wheel to its releases, newest first.

        A release whose platforms differ inside stands there once for each, that for Linux on x86_64 first.
        """
        releases: dict[str, list[LibraryRelease]] = {}
        for series in self._rows(LibrarySeries, "libraries"):
            for text in series.versions:
                release = LibraryRelease(
                    series.library, series.distribution, parse_version(text), series
                )
                releases.setdefault(series.distribution, []).append(release)
        return {
            name: _sorted(rows, lambda row: (row.version, "linux-x86_64" in row.platforms))
            for name, rows in releases.items()
        }

    @cached_property
    def cudnn_support(self) -> tuple[CudnnSupport, ...]:
        """NVIDIA's support matrix of cuDNN, newest first."""
        return _sorted(self._rows(CudnnSupport, "cudnn_support"), lambda row: row.first)

    @cached_property
    def forward_compat(self) -> tuple[ForwardPackage, ...]:
        """Forward-compatibility packages, newest first."""
        return _sorted(self._rows(ForwardPackage, "forward"), lambda row: row.cuda)

    @cached_property
    def os_releases(self) -> tuple[OsRelease, ...]:
        """Operating systems, in the order in which their patterns shall be tried."""
        return self._rows(OsRelease, "systems")

    @cached_property
    def jetpacks(self) -> tuple[JetPack, ...]:
        """JetPack releases, newest first."""
        return _sorted(self._rows(JetPack, "jetpacks"), lambda row: row.version)

    @cached_property
    def quirks(self) -> tuple[Quirk, ...]:
        """Measured exceptions."""
        return self._rows(Quirk, "quirks")

    @cached_property
    def extensions(self) -> tuple[ExtensionRelease, ...]:
        """Releases of what is compiled against a framework, newest first."""
        return _sorted(self._rows(ExtensionRelease, "extensions"), lambda row: row.version)

    def extension(self, distribution: str) -> tuple[ExtensionRelease, ...]:
        """Return the releases of one extension, newest first."""
        return self._extensions_by_name.get(normalise_name(distribution), ())

    @cached_property
    def _extensions_by_name(self) -> dict[str, tuple[ExtensionRelease, ...]]:
        found: dict[str, tuple[ExtensionRelease, ...]] = {}
        for row in self.extensions:
            found[row.extension] = (*found.get(row.extension, ()), row)
        return found

    # What follows from the tables

    def driver_floor(self, cuda: Version, platform: str) -> Version | None:
        """Return the oldest driver that runs an application of that CUDA; None if that is not known.

        From CUDA 11 on that is the floor of the major (minor-version compatibility), before it the release's own
        driver. `platform` is as in `Host.platform`; a Jetson's driver belongs to its board, so it has no floor here.
        """
        if platform == "jetson":
            return None
        windows = platform in _WINDOWS_DRIVERS
        matching = [row for row in self.floors if _covers(row.cuda, cuda)]
        if matching:
            floor = max(matching, key=lambda row: len(row.cuda.release))
            return floor.windows if windows else floor.linux
        drivers = [
            row.driver_windows if windows else row.driver_linux
            for row in self.cuda
            if row.version.release[:2] == cuda.release[:2]
        ]
        return min((driver for driver in drivers if driver), default=None)

    def cuda_of_driver(self, driver: Version, platform: str) -> Version | None:
        """Return the highest CUDA that the driver's branch reports; None if that is not known.

        Windows counts within a branch beyond its Linux number (R570 is 570 to 573 there), so a number of Windows
        belongs to the nearest branch below it. A Jetson's driver number belongs to its board.
        """
        branches = {row.branch: row.cuda for row in self.drivers}
        if platform == "jetson" or not branches:
            return None
        if platform in _WINDOWS_DRIVERS:
            below = [branch for branch in branches if branch <= driver.major <= branch + 5]
            return branches[max(below)] if below else None
        return branches.get(driver.major)

    def architecture(self, capability: Version) -> ArchitectureLife | None:
        """Return the life of a compute capability; None if it is not known."""
        return self._lives.get(capability)

    def first_driver(self, capability: Version) -> int | None:
        """Return the branch before which no driver knows a compute capability; None if no source says.

        Of a generation's later chips little is stated: none of them came before its first.
        """
        life = self.architecture(capability)
        if life is None or life.tegra:
            return None
        if life.first_driver is not None:
            return life.first_driver
        stated = [row.first_driver for row in self.architectures if row.name == life.name]
        return min((branch for branch in stated if branch is not None), default=None)

    @cached_property
    def _lives(self) -> dict[Version, ArchitectureLife]:
        return {row.capability: row for row in reversed(self.architectures)}

    def cudnn_of(self, version: Version) -> CudnnSupport | None:
        """Return NVIDIA's support matrix of a cuDNN release; None if it is not known."""
        return next((row for row in self.cudnn_support if row.first <= version <= row.last), None)

    def libraries_of(self, build: Build) -> tuple[LibraryRelease, ...]:
        """Return the library releases that a build is pinned to, or was built with.

        `cuda-toolkit[...]==13.0.2` stands for the components that belong to that toolkit. Of a cuDNN that is in the
        build itself, the wheel of the same release tells what is inside.
        """
        pins = {
            name: specifier[2:]
            for name, specifier in build.requires.items()
            if specifier.startswith("==") and "*" not in specifier
        }
        if toolkit := pins.get("cuda-toolkit"):
            release = next((row for row in self.cuda if str(row.version) == toolkit), None)
            if release and "cublas" in release.components:
                pins.setdefault("nvidia-cublas", str(release.components["cublas"]))
        found = []
        for name, text in pins.items():
            version = parse_version(text)
            found += [row for row in self.libraries.get(name, ()) if row.version == version]
        is_fixed = build.cudnn_linkage not in ("floor", "system", "none")
        has_cudnn = any(row.library == "cudnn" for row in found)
        if build.cuda and build.cudnn and is_fixed and not has_cudnn:
            name = f"nvidia-cudnn-cu{build.cuda.major}"
            found += [
                row for row in self.libraries.get(name, ()) if _covers(build.cudnn, row.version)
            ]
        machine = build.platform.replace("windows-", "linux-")
        fitting = [row for row in found if machine in row.platforms]
        return tuple({row.distribution: row for row in reversed(fitting)}.values())


def _covers(prefix: Version, version: Version) -> bool:
    """Tell whether `version` is `prefix` or one of its updates."""
    return version.release[: len(prefix.release)] == prefix.release


def _sorted(rows: Iterable[T], key: Any) -> tuple[T, ...]:
    return tuple(sorted(rows, key=key, reverse=True))

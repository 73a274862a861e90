"""The dynamic loader's view: which file a soname resolves to, and which directories come before which.

Order, after ld.so(8): RPATH of an object without RUNPATH, LD_LIBRARY_PATH, RUNPATH, the cache, the default directories.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cached_property

from stackcheck.model.driver import Library
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.version import DriverVersion, InvalidVersion, Version
from stackcheck.probe.forward_note import forward_compatibility
from stackcheck.probe.host import HostReader
from stackcheck.probe.loader_cache import CacheEntry, MalformedCache, read_cache

__all__ = ["Loader", "version_in_name"]

_CACHE = "/etc/ld.so.cache"
_CACHE_LIMIT = 1 << 24
_CONFIGURATION = "/etc/ld.so.conf"
_DRIVER_RELEASE = re.compile(r"\d{3,4}(\.\d+){1,3}")
"""libcuda.so.580.95.05; Jetson's libcuda.so.1.1 names no driver release."""


class Loader:
    """Resolves sonames on a host as its loader would for a program without a run path."""

    def __init__(self, host: HostReader, arch: str | None) -> None:
        self._host = host
        self._arch = arch

    @property
    def library_path(self) -> tuple[str, ...]:
        """Directories of LD_LIBRARY_PATH in order; an empty entry, the current directory, is left out."""
        value = self._host.environment.get("LD_LIBRARY_PATH", "")
        return tuple(
            dict.fromkeys(
                entry.rstrip("/") or "/"
                for entry in re.split("[:;]", value)
                if entry.startswith("/")
            )
        )

    @property
    def default_directories(self) -> tuple[str, ...]:
        """Directories that ld.so has built in, Debian's and the others'."""
        triplet = f"{self._arch or 'x86_64'}-linux-gnu"
        return (
            f"/lib/{triplet}",
            f"/usr/lib/{triplet}",
            "/lib64",
            "/usr/lib64",
            "/lib",
            "/usr/lib",
        )

    @cached_property
    def cache(self) -> Fact[tuple[CacheEntry, ...]]:
        """Entries of the loader's cache; `machine.yaml` may give them for a tree."""
        given = self._host.given("loader_cache")
        if isinstance(given, dict):
            return Known(
                tuple(
                    CacheEntry(str(soname), str(path))
                    for soname, paths in given.items()
                    for path in (paths if isinstance(paths, list) else [paths])
                ),
                "machine.yaml: loader_cache",
            )
        data = self._host.read(_CACHE, _CACHE_LIMIT)
        if not isinstance(data, Known):
            return data
        try:
            return Known(read_cache(data.value, self._arch), _CACHE)
        except MalformedCache as error:
            return Unknown(str(error), _CACHE)

    @cached_property
    def configured_directories(self) -> tuple[str, ...]:
        """Directories that /etc/ld.so.conf names, its includes followed one level deep, as everywhere."""
        return tuple(dict.fromkeys(self._configured(_CONFIGURATION, 0)))

    def _configured(self, path: str, depth: int) -> Iterator[str]:
        for line in (self._host.text(path).peek() or "").splitlines():
            entry = line.partition("#")[0].strip()
            if entry.startswith("/"):
                yield entry.rstrip("/") or "/"
            elif entry.startswith("include") and depth < 2:
                pattern = entry.removeprefix("include").strip()
                if not pattern.startswith("/"):
                    pattern = f"/etc/{pattern}"
                directory, _, name = pattern.rpartition("/")
                wanted = re.compile(re.escape(name).replace(r"\*", ".*"))
                for found in self._host.names(directory).peek() or ():
                    if wanted.fullmatch(found):
                        yield from self._configured(f"{directory}/{found}", depth + 1)

    def candidates(self, soname: str) -> Iterator[tuple[str, str]]:
        """Yield each path where the loader would look and find the soname, best first, with what led there."""
        for directory in self.library_path:
            if self._fits(f"{directory}/{soname}"):
                yield f"{directory}/{soname}", "LD_LIBRARY_PATH"
        for entry in self.cache.peek() or ():
            if entry.soname == soname and self._fits(entry.path):
                yield entry.path, self.cache.source
        for directory in self.default_directories:
            if self._fits(f"{directory}/{soname}"):
                yield f"{directory}/{soname}", "default directory"

    def resolve(self, soname: str) -> Fact[str]:
        """Return the path that a soname resolves to; absent if the loader finds none.

        Unknown where nothing was found and the cache could not be read, which might have it.
        """
        for path, source in self.candidates(soname):
            return Known(path, source)
        if isinstance(self.cache, Unknown):
            return self.cache
        return Absent(f"loader: {soname}")

    def resolve_file(self, name: str) -> Fact[str]:
        """Return where a linker finds a file, `libcuda.so`: it asks directories, and no cache."""
        for directory in (*self.configured_directories, *self.default_directories):
            if self._host.is_file(f"{directory}/{name}"):
                return Known(f"{directory}/{name}", directory)
        return Absent(f"linker: {name}")

    def driver_library(self, soname: str) -> Fact[Library]:
        """Return one of the driver's libraries, with the release in its file name."""
        if self._host.is_real and sys.platform in ("win32", "darwin"):
            return Unknown("the loader is not asked on this system", soname)
        path = self.resolve(soname)
        if not isinstance(path, Known):
            return path
        return Known(self.describe(soname, path.value), path.source)

    def every(self, stem: str) -> Fact[tuple[Library, ...]]:
        """Return every `<stem>.so.<release>` or `<stem>.so.1` in the system's loader directories, one entry a file.

        LD_LIBRARY_PATH is left out: what it names is nobody's installation, and `resolve` shows it.
        """
        if self._host.is_real and sys.platform in ("win32", "darwin"):
            return Unknown("the loader is not asked on this system", stem)
        directories = dict.fromkeys(
            (
                *(
                    entry.path.rpartition("/")[0]
                    for entry in self.cache.peek() or ()
                    if entry.soname.startswith(stem)
                ),
                *self.configured_directories,
                *self.default_directories,
            )
        )
        name = re.compile(rf"{re.escape(stem)}\.so\.(1|{_DRIVER_RELEASE.pattern})")
        found: dict[str, Library] = {}
        for directory in directories:
            for entry in self._host.names(directory).peek() or ():
                if name.fullmatch(entry) and self._fits(f"{directory}/{entry}"):
                    real = self._host.real_path(f"{directory}/{entry}")
                    if real not in found:
                        found[real] = self.describe(f"{stem}.so.1", real)
        return Known(tuple(found.values()), "loader directories")

    def describe(self, soname: str, path: str) -> Library:
        """Return a driver library's release and, for libcuda, what its forward-compatibility note says."""
        real = self._host.real_path(path)
        text = version_in_name(real)
        version: Fact[Version] = Absent(real)
        if text and _DRIVER_RELEASE.fullmatch(text):
            version = Known(DriverVersion(text), real)
        return Library(soname, path, version, forward_compatibility(self._host, soname, real))

    def library(self, soname: str, path: str) -> Library:
        """Return any other library, with the version in its file name; unknown if it carries none."""
        real = self._host.real_path(path)
        text = version_in_name(real)
        try:
            if text and "." in text:
                return Library(soname, path, Known(DriverVersion(text), real))
        except InvalidVersion:
            pass
        return Library(soname, path, Unknown("its file name carries no version", real))

    def _fits(self, path: str) -> bool:
        """Tell whether the loader would take this file: it passes over ELF files of another architecture."""
        head = self._host.read(path, 20)
        if not isinstance(head, Known):
            return False
        machine = {"x86_64": 62, "aarch64": 183}.get(self._arch or "")
        if machine is None or head.value[:4] != b"\x7fELF" or len(head.value) < 20:
            return True
        return head.value[4] == 2 and int.from_bytes(head.value[18:20], "little") == machine


def version_in_name(path: str) -> str | None:
    """Return `580.95.05` of `libcuda.so.580.95.05`; None where nothing follows."""
    _, found, version = path.rpartition("/")[2].partition(".so.")
    return version if found else None

"""`inspect`: GPU code, CUDA runtime and needed libraries of files, read from their ELF headers alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from stackcheck.binary.blob import FileBlob
from stackcheck.binary.elf import ElfFile, MalformedElf, read_elf
from stackcheck.binary.fatbin import MalformedFatbin, architectures_of, count_architectures
from stackcheck.errors import InputError
from stackcheck.model.environment import Distribution
from stackcheck.model.fact import Known
from stackcheck.model.record import record
from stackcheck.model.version import Architecture
from stackcheck.probe.environment import probe_environment
from stackcheck.probe.host import HostReader
from stackcheck.probe.loader import Loader

__all__ = ["InspectedFile", "NeededLibrary", "inspect"]

_CUDART = re.compile(r"libcudart\.so\.(\d+(?:\.\d+)?)$")
_MOST_FILES = 4_000


@record(frozen=True)
class NeededLibrary:
    """A library that a file needs: the path that the loader would take, and those that it passes over for it."""

    name: str
    found: str | None
    shadowed: tuple[str, ...] = ()


@record(frozen=True)
class InspectedFile:
    """One ELF file. `error` is set, and the rest empty, where it could not be read."""

    path: str
    architectures: tuple[Architecture, ...] = ()
    cuda: str = ""
    """CUDA runtime version that it is linked against, as its soname tells: `12`, `11.0`."""
    needed: tuple[NeededLibrary, ...] = ()
    error: str = ""


def inspect(target: str, environment: str | None = None) -> tuple[InspectedFile, ...]:
    """Inspect a file, a directory, or a distribution of an environment.

    Raises `InputError` where nothing of that name is there, or it has no compiled files' directory.
    """
    host = HostReader.open()
    loader = Loader(host, host.uname("machine").peek())
    path = Path(target)
    if path.is_file():
        return (_inspect_file(path, host, loader),)
    if path.is_dir():
        return tuple(_inspect_file(each, host, loader) for each in _libraries_below(path))
    return tuple(
        _inspect_file(each, host, loader) for each in _files_of(target, environment, host, loader)
    )


def _libraries_below(directory: Path) -> Iterator[Path]:
    found = (
        each for each in sorted(directory.rglob("*")) if _is_library(each.name) and each.is_file()
    )
    for count, each in enumerate(found):
        if count == _MOST_FILES:
            return
        yield each


def _is_library(name: str) -> bool:
    return name.endswith((".so", ".pyd", ".dll")) or ".so." in name


def _files_of(name: str, environment: str | None, host: HostReader, loader: Loader) -> list[Path]:
    probed = probe_environment(host, loader, environment)
    if not isinstance(probed, Known):
        raise InputError(
            f"{name}: no such file, and no Python environment to look for it in (use --env PREFIX)"
        )
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    distributions = probed.value.distributions.peek() or ()
    found = next((each for each in distributions if each.name == wanted), None)
    if found is None:
        raise InputError(
            f"{name}: no such file, and {probed.value.prefix} has no distribution of that name"
        )
    return sorted(_recorded(found))


def _recorded(distribution: Distribution) -> Iterator[Path]:
    """Yield the compiled files that a distribution's record names."""
    record = Path(distribution.path) / "RECORD"
    try:
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(
            f"{distribution.name}: {record}: {error.strerror}; give a directory instead"
        ) from error
    for line in lines:
        name = line.rpartition(",sha256=")[0] or line.split(",")[0]
        if _is_library(name.rpartition("/")[2]):
            path = record.parent.parent / name.strip('"')
            if path.is_file():
                yield path


def _inspect_file(path: Path, host: HostReader, loader: Loader) -> InspectedFile:
    try:
        blob = FileBlob(path)
    except OSError as error:
        return InspectedFile(str(path), error=error.strerror or str(error))
    try:
        elf = read_elf(blob)
        codes = architectures_of(count_architectures(blob, elf))
    except (MalformedElf, MalformedFatbin) as error:
        return InspectedFile(str(path), error=str(error))
    finally:
        blob.close()
    linked = [found[1] for name in elf.needed if (found := _CUDART.match(name))]
    needed = tuple(_locate(name, path, elf, host, loader) for name in elf.needed)
    return InspectedFile(str(path), codes, linked[0] if linked else "", needed)


def _locate(name: str, path: Path, elf: ElfFile, host: HostReader, loader: Loader) -> NeededLibrary:
    """Find a needed library in the loader's order; the second and later hits are shadowed by the first."""
    own = [
        f"{directory}/{name}"
        for entry in elf.runpath
        if Path(directory := re.sub(r"\$\{?ORIGIN\}?", str(path.resolve().parent), entry))
        .joinpath(name)
        .is_file()
    ]
    elsewhere = list(loader.candidates(name))
    first = [each for each, source in elsewhere if source == "LD_LIBRARY_PATH"]
    rest = [each for each, source in elsewhere if source != "LD_LIBRARY_PATH"]
    order = [*own, *first, *rest] if elf.is_rpath else [*first, *own, *rest]
    hits = list({host.real_path(each): each for each in reversed(order)}.values())[::-1]
    return NeededLibrary(name, hits[0] if hits else None, tuple(hits[1:]))

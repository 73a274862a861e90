"""Installed distributions, from their metadata alone: dist-info, egg-info and conda-meta."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from stackcheck.model.environment import Distribution
from stackcheck.model.fact import UNPROBED, Absent, Fact, Known, Unknown
from stackcheck.probe.host import HostReader

__all__ = ["normalise", "read_conda_packages", "read_distributions", "with_conda_details"]

_METADATA_LIMIT = 1 << 16
_RECORD_LIMIT = 1 << 23
_COUNTED = {"torch", "tensorflow", "jaxlib", "triton"}
_CONDA_HEAD = 1 << 15
"""Bytes of a conda-meta file that are read: `build`, `channel` and `depends` stand before the long list of files."""
_CONDA_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.json")
_EGG = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)(-py\d.*)?\.egg-info")


def normalise(name: str) -> str:
    """Return a distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_distributions(
    host: HostReader, directories: Iterable[str]
) -> Fact[tuple[Distribution, ...]]:
    """Return what is installed in directories of `sys.path`; of one name the first is what Python imports.

    A directory that cannot be listed makes the whole unknown: what it holds might decide.
    """
    found: list[Distribution] = []
    listed: list[str] = []
    for directory in directories:
        names = host.names(directory)
        if isinstance(names, Unknown):
            return Unknown(f"could not be listed: {names.reason}", directory)
        listed.append(directory)
        for name in names.peek() or ():
            distribution = _read(host, directory, name)
            if distribution is not None:
                found.append(distribution)
    return Known(tuple(found), ", ".join(listed) or "no site-packages directory")


def _read(host: HostReader, directory: str, name: str) -> Distribution | None:
    path = f"{directory}/{name}"
    if name.endswith(".dist-info"):
        if name.startswith("~"):  # what pip leaves behind of an interrupted uninstall
            return None
        stem, _, version = name.removesuffix(".dist-info").partition("-")
        text = host.text(f"{path}/METADATA", _METADATA_LIMIT)
    elif name.endswith(".egg-info"):
        found = _EGG.fullmatch(name)
        stem, version = (found["name"], found["version"]) if found else (name[:-9], "")
        inside = host.is_directory(path)
        text = host.text(f"{path}/PKG-INFO" if inside else path, _METADATA_LIMIT)
    else:
        return None
    headers = dict(_headers(text.peek() or ""))
    version = _last(headers.get("version")) or version
    if not version:
        return None
    return Distribution(
        name=normalise(_last(headers.get("name")) or stem),
        version=version,
        path=path,
        installer=_installer(host, path),
        requires=tuple(headers.get("requires-dist", ())),
        missing_files=_missing_libraries(host, directory, path, normalise(stem)),
    )


def _missing_libraries(host: HostReader, directory: str, path: str, name: str) -> Fact[int]:
    """Count shared libraries that the record names and the disk lacks, of the packages where that happens.

    The rest of a record, 15000 files of a framework, is left to installers.
    """
    if not name.startswith("nvidia-") and name not in _COUNTED:
        return UNPROBED
    record = host.text(f"{path}/RECORD", _RECORD_LIMIT)
    if not isinstance(record, Known):
        return record
    named = re.findall(r'^"?([^,"\n]+\.so(?:\.[\d.]+)?)"?,', record.value, re.MULTILINE)
    missing = sum(not host.exists(f"{directory}/{file}").peek() for file in named)
    return Known(missing, record.source)


def _last(values: list[str] | None) -> str:
    return values[-1].strip() if values else ""


def _headers(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each header of a METADATA text with its values; the description after the blank line is left alone."""
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    collected: dict[str, list[str]] = {}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line[:1].isspace():
            collected.setdefault(name.strip().lower(), []).append(value.strip())
    yield from collected.items()


def _installer(host: HostReader, path: str) -> Fact[str]:
    text = host.line(f"{path}/INSTALLER")
    return Known(text.value.lower(), text.source) if isinstance(text, Known) else text


def read_conda_packages(host: HostReader, prefix: str) -> Fact[tuple[Distribution, ...]]:
    """Return the packages of a conda environment; absent where it is none."""
    directory = f"{prefix}/conda-meta"
    names = host.names(directory)
    if not isinstance(names, Known):
        return names
    packages = []
    for name in names.value:
        found = _CONDA_NAME.fullmatch(name)
        if found:
            packages.append(
                Distribution(
                    name=normalise(found["name"]),
                    version=found["version"],
                    path=f"{directory}/{name}",
                    installer=Known("conda", directory),
                    conda_build=Known(found["build"], f"{directory}/{name}"),
                )
            )
    return Known(tuple(packages), directory)


def with_conda_details(host: HostReader, package: Distribution) -> Distribution:
    """Return a conda package with its channel and requirements, which stand inside its file."""
    head = host.text(package.path, _CONDA_HEAD)
    if not isinstance(head, Known):
        return replace(package, conda_channel=head)
    channel = re.search(r'"channel":\s*"([^"]*)"', head.value)
    depends = re.search(r'"depends":\s*\[([^\]]*)\]', head.value)
    return replace(
        package,
        conda_channel=Known(_channel(channel[1]), package.path)
        if channel
        else Absent(package.path),
        requires=tuple(re.findall(r'"([^"]+)"', depends[1])) if depends else (),
    )


def _channel(address: str) -> str:
    """Return `conda-forge` of `https://conda.anaconda.org/conda-forge/linux-64`; access tokens in it are dropped."""
    parts = [part for part in address.rstrip("/").split("/") if part]
    if parts and re.fullmatch(r"noarch|(linux|osx|win)-\w+", parts[-1]):
        parts.pop()
    return parts[-1] if parts else ""

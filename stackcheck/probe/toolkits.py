"""CUDA toolkits on disk, and the cuDNN that is installed outside any environment."""

from __future__ import annotations

import re

from stackcheck.model.driver import Library
from stackcheck.model.environment import Toolkit
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.probe.host import HostReader
from stackcheck.probe.loader import Loader

__all__ = ["probe_system_cudnn", "probe_toolkits"]

_CUDNN_MAJORS = (9, 8, 7, 6, 5)
_VERSION_LIMIT = 1 << 16


def probe_toolkits(host: HostReader) -> Fact[tuple[Toolkit, ...]]:
    """Return the toolkits: those that CUDA_HOME and CUDA_PATH name, that of the first nvcc on PATH, /usr/local/cuda*.

    One directory reached in several ways is listed once, under the first way; `chosen_by` joins them all.
    """
    ways: dict[str, tuple[str, list[str]]] = {}

    def note(path: str, way: str) -> None:
        real = host.real_path(path)
        ways.setdefault(real, (path, []))[1].append(way)

    variables = host.environment
    for name in ("CUDA_HOME", "CUDA_PATH"):
        if value := variables.get(name):
            note(value.replace("\\", "/").rstrip("/"), name)
    compiler = _compiler(host)
    if compiler is not None:
        note(compiler.rpartition("/bin/")[0] or "/usr", "PATH")
    for name in host.names("/usr/local").peek() or ():
        if re.fullmatch(r"cuda(-\d+(\.\d+)?)?", name):
            note(f"/usr/local/{name}", "/usr/local")
    return Known(
        tuple(
            Toolkit(path, _version(host, real), ", ".join(dict.fromkeys(names)))
            for real, (path, names) in ways.items()
        ),
        "CUDA_HOME, CUDA_PATH, PATH, /usr/local",
    )


def _compiler(host: HostReader) -> str | None:
    """Return the first nvcc on PATH, its links followed, and a wrapper script to what it runs."""
    found = host.command("nvcc")
    if found is None:
        return None
    real = host.real_path(found)
    head = host.read(real, 4096).peek() or b""
    if head.startswith(b"#!") and (target := re.search(rb"\s\"?(/\S+/bin/nvcc)\b", head)):
        return host.real_path(target[1].decode("utf-8", "replace"))
    return real


def _version(host: HostReader, path: str) -> Fact[Version]:  # noqa: PLR0911 (one for each source)
    """Return a toolkit's version: from version.json (11.1 on), version.txt (before), else the header cuda.h."""
    if not host.is_directory(path):
        return Absent(path)
    for name, pattern in (
        ("version.json", r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([\d.]+)"'),
        ("version.txt", r"CUDA Version (\d+\.\d+(?:\.\d+)?)"),
    ):
        text = host.text(f"{path}/{name}", _VERSION_LIMIT)
        if isinstance(text, Known):
            found = re.search(pattern, text.value)
            if not found:
                return Unknown("names no version", f"{path}/{name}")
            try:
                return Known(parse_version(found[1]), f"{path}/{name}")
            except InvalidVersion:
                return Unknown(f"{found[1]!r} is no version", f"{path}/{name}")
        if isinstance(text, Unknown):
            return text
    header = host.text(f"{path}/include/cuda.h")
    if found := re.search(r"#define CUDA_VERSION (\d+)", header.peek() or ""):
        number = int(found[1])
        return Known(
            parse_version(f"{number // 1000}.{number % 1000 // 10}"), f"{path}/include/cuda.h"
        )
    return Unknown("no version.json, version.txt or cuda.h", path)


def probe_system_cudnn(host: HostReader, loader: Loader) -> Fact[Library]:
    """Return the newest cuDNN that the loader finds outside any environment; its version by file name or header."""
    for major in _CUDNN_MAJORS:
        soname = f"libcudnn.so.{major}"
        path = loader.resolve(soname)
        if isinstance(path, Unknown):
            return path
        if isinstance(path, Known):
            library = loader.library(soname, path.value)
            if isinstance(library.version, Unknown):
                library = Library(soname, path.value, _header_version(host, path.value))
            return Known(library, path.source)
    return Absent("loader: libcudnn.so")


def _header_version(host: HostReader, library: str) -> Fact[Version]:
    """Return the version in cudnn_version.h of the same installation."""
    base = re.sub(r"/(lib|lib64)(/.*)?$", "", library)
    for path in (f"{base}/include/cudnn_version.h", "/usr/include/cudnn_version.h"):
        text = host.text(path).peek() or ""
        numbers = [
            found[1]
            for part in ("MAJOR", "MINOR", "PATCHLEVEL")
            if (found := re.search(rf"#define CUDNN_{part} (\d+)", text))
        ]
        if len(numbers) == 3:
            return Known(parse_version(".".join(numbers)), path)
    return Unknown("neither file name nor header tells it", library)

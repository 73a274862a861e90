"""Which Python environment is looked at, and what its files say of its interpreter, which is never run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

from stackcheck.errors import InputError
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.record import record
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.probe.host import HostReader

__all__ = ["Interpreter", "choose_interpreter"]

_EXECUTABLES = ("bin/python", "bin/python3", "python.exe", "Scripts/python.exe")
_LIBRARY = re.compile(r"(python|pypy)(\d\.\d+)(t?)")


@record(frozen=True)
class Interpreter:
    """One Python, by its prefix."""

    prefix: str
    executable: Fact[str]
    kind: Fact[str]
    chosen_by: str
    version: Fact[Version]
    implementation: Fact[str]
    site_directories: tuple[str, ...]
    """Directories of installed distributions in the order of `sys.path`: PYTHONPATH's, user's, own, base's."""


def choose_interpreter(host: HostReader, named: str | None) -> Fact[Interpreter]:
    """Choose the environment: `--env`, `VIRTUAL_ENV`, `CONDA_PREFIX`, the first `python` on PATH, StackCheck's own.

    Raises `InputError` where `named` is no Python environment or executable.
    """
    if named is not None:
        found = _at(host, _absolute(named), "--env")
        if found is None:
            raise InputError(f"--env {named}: no Python environment or interpreter is there")
        return Known(found, "--env")
    variables = host.environment
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if value := variables.get(name):
            found = _at(host, value, name)
            if found is not None:
                return Known(found, name)
    for path in _on_path(host):
        if (found := _at(host, path, "PATH")) is not None:
            return Known(found, "PATH")
    if host.is_real:
        own = _at(host, sys.prefix, "stackcheck")
        if own is not None:
            return Known(own, "stackcheck")
    return Absent("--env, VIRTUAL_ENV, CONDA_PREFIX, PATH")


def _on_path(host: HostReader) -> Iterator[str]:
    separator = ";" if sys.platform == "win32" else ":"
    for directory in host.environment.get("PATH", "").split(separator):
        for name in ("python", "python3", "python.exe"):
            if directory and host.is_file(f"{directory}/{name}"):
                yield f"{directory}/{name}"


def _absolute(path: str) -> str:
    from pathlib import Path

    return str(Path(path).expanduser().absolute())


def _at(host: HostReader, path: str, chosen_by: str) -> Interpreter | None:
    """Return the environment with this prefix or this executable, None if there is none."""
    path = path.replace("\\", "/").rstrip("/")
    if host.is_directory(path):
        return _describe(host, path, chosen_by, None)
    if host.is_file(path):
        return _describe(host, _prefix_of(host, path), chosen_by, path)
    return None


def _prefix_of(host: HostReader, executable: str) -> str:
    """Return the prefix of an executable: beside its pyvenv.cfg or conda-meta, else of the file behind its links.

    A shim of pyenv is a script, whose interpreter stands in PYENV_VERSION or in pyenv's version file.
    """
    directory = executable.rpartition("/")[0]
    for prefix in (directory.rpartition("/")[0], directory):
        if host.is_file(f"{prefix}/pyvenv.cfg") or host.is_directory(f"{prefix}/conda-meta"):
            return prefix
    if directory.endswith("/shims"):
        root = directory.rpartition("/")[0]
        chosen = host.environment.get("PYENV_VERSION") or host.line(f"{root}/version").peek()
        if chosen and host.is_directory(f"{root}/versions/{chosen.split()[0]}"):
            return f"{root}/versions/{chosen.split()[0]}"
    real = host.real_path(executable).rpartition("/")[0]
    return real.rpartition("/")[0] or "/" if real.endswith(("/bin", "/Scripts")) else real


def _describe(
    host: HostReader, prefix: str, chosen_by: str, executable: str | None
) -> Interpreter | None:
    paths = [f"{prefix}/{name}" for name in _EXECUTABLES]
    executable = executable or next((path for path in paths if host.is_file(path)), None)
    configuration = _configuration(host, prefix)
    is_conda = host.is_directory(f"{prefix}/conda-meta")
    libraries = _libraries(host, prefix)
    if executable is None and configuration is None and not is_conda and not libraries:
        return None
    version = _version(host, prefix, configuration, executable, libraries)
    return Interpreter(
        prefix=prefix,
        executable=Known(executable, chosen_by) if executable else Absent(prefix),
        kind=_kind(prefix, configuration, is_conda, chosen_by),
        chosen_by=chosen_by,
        version=version,
        implementation=_implementation(configuration, libraries, prefix),
        site_directories=_site_directories(host, prefix, configuration, version, libraries),
    )


def _configuration(host: HostReader, prefix: str) -> dict[str, str] | None:
    text = host.text(f"{prefix}/pyvenv.cfg")
    if not isinstance(text, Known):
        return None
    pairs = (line.partition("=") for line in text.value.splitlines() if "=" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _libraries(host: HostReader, prefix: str) -> tuple[re.Match[str], ...]:
    """Return the `python3.12` and `pypy3.10` directories under the prefix."""
    names = host.names(f"{prefix}/lib").peek() or ()
    return tuple(found for name in names if (found := _LIBRARY.fullmatch(name)))


def _kind(
    prefix: str, configuration: dict[str, str] | None, is_conda: bool, chosen_by: str
) -> Fact[str]:
    if configuration is not None:
        return Known("uv" if "uv" in configuration else "venv", f"{prefix}/pyvenv.cfg")
    if is_conda:
        pixi = "/.pixi/envs/" in f"{prefix}/"
        return Known("pixi" if pixi else "conda", f"{prefix}/conda-meta")
    if chosen_by == "stackcheck":
        return Known("stackcheck", "sys.prefix")
    return Known("system", prefix)


def _version(  # noqa: PLR0911 (one for each source)
    host: HostReader,
    prefix: str,
    configuration: dict[str, str] | None,
    executable: str | None,
    libraries: tuple[re.Match[str], ...],
) -> Fact[Version]:
    if host.is_real and _same(prefix, sys.prefix):
        return Known(parse_version(".".join(map(str, sys.version_info[:3]))), "sys.version_info")
    for name in ("version", "version_info"):
        if found := re.match(r"\d+\.\d+(\.\d+)?", (configuration or {}).get(name, "")):
            return Known(parse_version(found[0]), f"{prefix}/pyvenv.cfg")
    for name in host.names(f"{prefix}/conda-meta").peek() or ():
        if found := re.fullmatch(r"python-(\d+\.\d+\.\d+)\w*-[^-]+\.json", name):
            return Known(parse_version(found[1]), f"{prefix}/conda-meta/{name}")
    real = host.real_path(executable).rpartition("/")[2] if executable else ""
    if found := re.search(r"(\d\.\d+)t?$", real):
        return Known(parse_version(found[1]), f"{executable}")
    versions = sorted({parse_version(library[2]) for library in libraries})
    if len(versions) == 1:
        return Known(versions[0], f"{prefix}/lib")
    if versions:
        return Unknown(f"there are {' and '.join(map(str, versions))}", f"{prefix}/lib")
    return Unknown("no file tells it", prefix)


def _same(one: str, other: str) -> bool:
    return one.replace("\\", "/").rstrip("/") == other.replace("\\", "/").rstrip("/")


def _implementation(
    configuration: dict[str, str] | None, libraries: tuple[re.Match[str], ...], prefix: str
) -> Fact[str]:
    if name := (configuration or {}).get("implementation"):
        return Known(name, f"{prefix}/pyvenv.cfg")
    if libraries:
        pypy = any(library[1] == "pypy" for library in libraries)
        return Known("PyPy" if pypy else "CPython", f"{prefix}/lib")
    return Unknown("no file tells it", prefix)


def _site_directories(
    host: HostReader,
    prefix: str,
    configuration: dict[str, str] | None,
    version: Fact[Version],
    libraries: tuple[re.Match[str], ...],
) -> tuple[str, ...]:
    known = version.peek()
    minor = f"{known.major}.{known.minor}" if known else None
    own = [f"{prefix}/Lib/site-packages"]
    for library in libraries:
        if minor in (None, library[2]):
            own += [f"{prefix}/lib/{library[0]}/site-packages"]
            own += [f"{prefix}/lib64/{library[0]}/site-packages"]
            if prefix == "/usr":
                own.insert(0, f"/usr/local/lib/{library[0]}/dist-packages")
    if prefix == "/usr":
        own.append("/usr/lib/python3/dist-packages")
    variables = host.environment
    directories = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
    isolated = configuration is not None
    home = variables.get("HOME")
    if not isolated and home and minor and not variables.get("PYTHONNOUSERSITE"):
        base = variables.get("PYTHONUSERBASE") or f"{home}/.local"
        directories.append(f"{base}/lib/python{minor}/site-packages")
    directories += own
    if isolated and (configuration or {}).get("include-system-site-packages", "") == "true":
        directories += _base_directories(host, configuration or {}, minor)
    real: dict[str, str] = {}
    for directory in directories:
        if host.is_directory(directory):
            real.setdefault(host.real_path(directory), directory)
    return tuple(real.values())


def _base_directories(
    host: HostReader, configuration: dict[str, str], minor: str | None
) -> list[str]:
    """Return the site directories of the Python that a virtual environment was made from."""
    prefix = configuration.get("home", "").removesuffix("/bin")
    try:
        version: Fact[Version] = (
            Known(parse_version(minor), "pyvenv.cfg")
            if minor
            else Unknown("no file tells it", prefix)
        )
    except InvalidVersion:
        return []
    return list(_site_directories(host, prefix, None, version, _libraries(host, prefix)))

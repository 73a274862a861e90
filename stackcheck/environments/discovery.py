"""Every Python environment on this machine that can be found without searching whole disks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stackcheck.environments.directories import MEMORY, environments_directory
from stackcheck.environments.register import is_ours, registered
from stackcheck.errors import InputError

__all__ = ["Place", "find_environments", "find_prefix", "size_of"]


@dataclass(frozen=True)
class Place:
    """An environment's directory. `kind` is `conda`, `pixi`, `uv`, `venv` or `python` (an installation)."""

    prefix: Path
    kind: str
    ours: bool


def _kind_of(prefix: Path) -> str | None:
    """Return the kind by the files that each tool leaves; None where there is no environment."""
    if (prefix / "conda-meta" / "pixi").exists() or prefix.parent.parent.name == ".pixi":
        return "pixi"
    if (prefix / "conda-meta").is_dir():
        return "conda"
    with suppress(OSError):
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
        return "uv" if any(line.startswith("uv =") for line in text.splitlines()) else "venv"
    if any((prefix / name).exists() for name in ("bin/python3", "python.exe")):
        return "python"
    return None


def _children(folder: Path, depth: int = 1) -> Iterator[Path]:
    with suppress(OSError):
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                if depth > 1:
                    yield from _children(entry, depth - 1)
                else:
                    yield entry


def _variable(name: str) -> Iterator[Path]:
    if value := os.environ.get(name):
        yield Path(value)


def _conda_places(home: Path) -> Iterator[Path]:
    roots = [*_variable("CONDA_ROOT"), *_variable("MAMBA_ROOT_PREFIX"), Path("/opt/conda")]
    names = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")
    roots += [home / name for name in names]
    if executable := os.environ.get("CONDA_EXE"):
        roots.append(Path(executable).parent.parent)
    for root in roots:
        yield root
        yield from _children(root / "envs")
    for folder in os.environ.get("CONDA_ENVS_PATH", "").split(os.pathsep):
        if folder:
            yield from _children(Path(folder))


def _wheel_places(home: Path) -> Iterator[Path]:
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    for folder in (*_variable("WORKON_HOME"), home / ".virtualenvs", data / "virtualenvs"):
        yield from _children(folder)
    for folder in (
        cache / "pypoetry" / "virtualenvs",
        data / "pipx" / "venvs",
        data / "uv" / "tools",
    ):
        yield from _children(folder)
    yield from _children(data / "hatch" / "env" / "virtual", 3)


def _candidates() -> Iterator[Path]:
    """Yield where environments lie: the active ones, ours, the working directory's, each tool's own folder."""
    home, here = Path.home(), Path.cwd()
    yield from _variable("VIRTUAL_ENV")
    yield from _variable("CONDA_PREFIX")
    yield from registered()
    yield from _children(environments_directory())
    yield from (here / ".venv", here / "venv", here / "env")
    yield from _children(here / ".pixi" / "envs")
    yield from _children(home / ".pixi" / "envs")
    yield from _conda_places(home)
    yield from _wheel_places(home)
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    yield from _children(pyenv / "versions")


def find_environments() -> list[Place]:
    """Return every environment found, the active ones first, each once whatever links lead to it."""
    found: dict[Path, Place] = {}
    for prefix in _candidates():
        with suppress(OSError):
            real = prefix.resolve()
            inner = prefix / ".pixi" / "envs" / "default"
            kind = "pixi" if inner.is_dir() else _kind_of(prefix)
            if kind and real not in found:
                found[real] = Place(prefix.absolute(), kind, is_ours(prefix))
    return list(found.values())


def find_prefix(text: str) -> Path:
    """Return the environment that a name or a path means. Raises `InputError` where there is none."""
    named = environments_directory() / text
    for prefix in (Path(text).expanduser().absolute(), *([named] if "/" not in text else [])):
        if prefix.is_dir() and (_kind_of(prefix) or (prefix / MEMORY).is_dir()):
            return prefix
    raise InputError(
        f"{text}: no environment of that name or path; `stackcheck env list` shows them"
    )


def size_of(prefix: Path) -> int:
    """Return the bytes on disk, each file once however many links it has."""
    total = 0
    seen: set[tuple[int, int]] = set()
    for folder, _, names in os.walk(prefix):
        for name in names:
            with suppress(OSError):
                status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 (walked by the ten thousands)
                key = (status.st_dev, status.st_ino)
                if status.st_nlink == 1 or key not in seen:
                    seen.add(key)
                    total += getattr(status, "st_blocks", 0) * 512 or status.st_size
    return total

"""uv: environments of wheels, and the wheels of conda environments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environments.packages import PackageSet, WheelRequirement
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import Tools
from stackcheck.environments.writers import pyproject
from stackcheck.errors import StackCheckError

__all__ = ["NoUv", "compile_lock", "find_uv", "install_lock", "make_environment", "reachable"]

VARIABLES: Mapping[str, str] = {"UV_PYTHON_DOWNLOADS": "never"}


class NoUv(StackCheckError):
    """uv is not to be had."""


def find_uv() -> str:
    """Return the uv that came with StackCheck, else the one on PATH. Raises `NoUv`."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise NoUv(
            "uv is neither in StackCheck's own environment nor on PATH; use `--installer pip`"
        )
    return found


def _local_wheels() -> set[tuple[str, str]]:
    """Return (normalised name, version) of every wheel in the folders of the user's `UV_FIND_LINKS`."""
    found: set[tuple[str, str]] = set()
    for place in os.environ.get("UV_FIND_LINKS", "").split(","):
        folder = Path(place.strip().removeprefix("file://"))
        if place.strip() and folder.is_dir():
            for wheel in folder.glob("*.whl"):
                name, version = wheel.name.split("-")[:2]
                found.add((canonicalize_name(name), version))
    return found


def _mirrored() -> set[str]:
    """Return the names of indexes that the user's `UV_INDEX` replaces (`pytorch-cu128=https://mirror/...`)."""
    entries = os.environ.get("UV_INDEX", "").split()
    return {entry.partition("=")[0] for entry in entries if "=" in entry.partition("://")[0]}


def reachable(packages: PackageSet) -> PackageSet:
    """Return the packages as the user's own uv settings have them.

    A package that lies at exactly its version in a folder of `UV_FIND_LINKS` needs no index; an index that
    `UV_INDEX` names as ours is theirs.
    """
    local, mirrored = _local_wheels(), _mirrored()

    def adapt(wheel: WheelRequirement) -> WheelRequirement:
        if wheel.index is None:
            return wheel
        pins = [
            entry.version for entry in Requirement(wheel.text).specifier if entry.operator == "=="
        ]
        if wheel.index.name in mirrored or any((wheel.name, pin) in local for pin in pins):
            return replace(wheel, index=None)
        return wheel

    return replace(packages, wheels=tuple(adapt(wheel) for wheel in packages.wheels))


def make_environment(prefix: Path, python: Path, tools: Tools) -> None:
    """Make an empty environment; pip joins it with everything else, locked like everything else."""
    tools.run(
        [
            find_uv(),
            "venv",
            "--quiet",
            "--no-project",
            "--allow-existing",
            "--python",
            str(python),
            str(prefix),
        ],
        what="uv could not make the environment",
        changes=VARIABLES,
    )


def _flags(tools: Tools) -> list[str]:
    return [
        *(["--offline"] if tools.offline else []),
        *(["--quiet"] if not tools.shows_progress else []),
    ]


def compile_lock(
    recipe: Recipe, python: Path, folder: Path, tools: Tools, kind: str = "pylock.toml"
) -> Path:
    """Resolve the wheels for that interpreter; return the lock written into `folder`.

    `kind` is `pylock.toml` (PEP 751) or `requirements.txt` (with hashes). uv runs in the folder, so that the
    pyproject.toml there is its project and no other is.
    """
    packages = reachable(recipe.packages)
    if "pip" not in {wheel.name for wheel in packages.wheels}:
        packages = replace(packages, wheels=(*packages.wheels, WheelRequirement("pip")))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(pyproject.write(replace(recipe, packages=packages)))
    lock = folder / ("pylock.toml" if kind == "pylock.toml" else "requirements.lock.txt")
    tools.run(
        [
            *[find_uv(), "pip", "compile", "pyproject.toml", *_flags(tools)],
            *["--python", str(python), "--format", kind, "--output-file", lock.name],
            *["--custom-compile-command", "stackcheck create-env", "--no-annotate"],
            *(
                []
                if kind == "pylock.toml"
                else ["--generate-hashes", "--emit-index-url", "--emit-find-links"]
            ),
        ],
        what="no set of wheels satisfies the plan",
        changes=VARIABLES,
        directory=folder,
    )
    return lock


def install_lock(lock: Path, python: Path, tools: Tools) -> None:
    """Install exactly what the lock names; each file's hash is checked."""
    tools.run(
        [
            find_uv(),
            "pip",
            "install",
            *_flags(tools),
            "--no-deps",
            "--python",
            str(python),
            "-r",
            lock.name,
        ],
        what="uv could not install the packages",
        changes=VARIABLES,
        directory=lock.parent,
    )

"""uv: environments of wheels, and the wheels of conda environments."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environments.creation import Creation
from stackcheck.environments.interpreters import find_python
from stackcheck.environments.locks import hashed_requirements, known_bytes, read_pylock
from stackcheck.environments.packages import PackageSet, WheelRequirement
from stackcheck.environments.preflight import check_room
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import ToolFailed, Tools
from stackcheck.environments.verification import interpreter_of
from stackcheck.environments.writers import pyproject
from stackcheck.errors import StackCheckError
from stackcheck.model.plan import Plan

__all__ = [
    "NoUv",
    "add_wheels",
    "compile_lock",
    "find_uv",
    "install",
    "reachable",
    "with_pip",
]

VARIABLES: Mapping[str, str] = {"UV_PYTHON_DOWNLOADS": "never"}


NEVER_BUILT = ("grpcio", "h5py", "numpy", "pandas", "scipy")
"""Packages that are taken as wheels only: compiling them takes longer than everything else together. Small sources
are built, since old releases of TensorFlow have dependencies without wheels."""


_MANYLINUX = (17, 28, *range(31, 41))
"""Minor versions of glibc 2 that uv has platforms for."""


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


def _mirrors() -> dict[str, str]:
    """Return the indexes that the user's `UV_INDEX` names, by name (`pytorch-cu128=https://mirror/...`)."""
    pairs = (entry.partition("=") for entry in os.environ.get("UV_INDEX", "").split())
    return {name: url for name, _, url in pairs if url and "://" not in name}


def reachable(packages: PackageSet) -> PackageSet:
    """Return the packages as the user's own uv settings have them.

    A package that lies at exactly its version in a folder of `UV_FIND_LINKS` needs no index. An index that `UV_INDEX`
    names as ours takes its place, and like ours is asked for its own packages alone.
    """
    local, mirrors = _local_wheels(), _mirrors()

    def adapt(wheel: WheelRequirement) -> WheelRequirement:
        if wheel.index is None:
            return wheel
        pins = [each.version for each in Requirement(wheel.text).specifier if each.operator == "=="]
        if any((wheel.name, pin) in local for pin in pins):
            return replace(wheel, index=None)
        url = mirrors.get(wheel.index.name, wheel.index.url)
        return replace(wheel, index=replace(wheel.index, url=url))

    return replace(packages, wheels=tuple(adapt(wheel) for wheel in packages.wheels))


def _variables(packages: PackageSet) -> dict[str, str]:
    """Return the variables for uv, without the indexes that stand in its project file already."""
    named = {index.name for index in packages.indexes}
    entries = os.environ.get("UV_INDEX", "").split()
    kept = [entry for entry in entries if entry.partition("=")[0] not in named]
    return {**VARIABLES, "UV_INDEX": " ".join(kept)}


def _make_environment(prefix: Path, python: Path, tools: Tools) -> None:
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


def _with_hint(failure: ToolFailed, packages: PackageSet) -> ToolFailed:
    """Say how uv is told of a mirror, where an index could not be reached."""
    missed = [
        index for index in packages.indexes if f"Failed to fetch: {index.url}" in str(failure)
    ]
    if not missed:
        return failure
    name = missed[0].name
    hint = f"hint: name a mirror by `UV_INDEX={name}=URL`, or a folder with its wheels by `UV_FIND_LINKS=DIR`"
    return ToolFailed(f"{missed[0].url} could not be reached", f"{failure.words}\n{hint}")


def compile_lock(
    recipe: Recipe,
    target: Sequence[str],
    folder: Path,
    tools: Tools,
    *,
    kind: str = "pylock.toml",
    held: Iterable[str] = (),
) -> Path:
    """Resolve the wheels for `target` (uv's flags for interpreter and platform); return the lock in `folder`.

    `kind` is `pylock.toml` (PEP 751) or `requirements.txt` (with hashes); `held` are further constraints. uv runs in
    the folder, so that the pyproject.toml there is its project and no other is. Raises `ToolFailed`.
    """
    packages = reachable(recipe.packages)
    folder.mkdir(parents=True, exist_ok=True)
    constraints = [f"{each}\n" for each in held]
    if constraints:
        (folder / "held.txt").write_text("".join(constraints))
    (folder / "pyproject.toml").write_text(pyproject.write(replace(recipe, packages=packages)))
    lock = folder / ("pylock.toml" if kind == "pylock.toml" else "requirements.lock.txt")
    hashes = ["--generate-hashes", "--emit-index-url", "--emit-find-links"]
    command = [
        *[find_uv(), "pip", "compile", "pyproject.toml", *_flags(tools), *target],
        *["--format", kind, "--output-file", lock.name],
        *(["--constraints", "held.txt"] if constraints else []),
        *["--custom-compile-command", "stackcheck create-env", "--no-annotate"],
        *(word for name in NEVER_BUILT for word in ("--only-binary", name)),
        *(hashes if kind == "requirements.txt" else []),
    ]
    try:
        tools.run(
            command,
            what="no set of wheels satisfies the plan",
            changes=_variables(packages),
            directory=folder,
        )
    except ToolFailed as failure:
        raise _with_hint(failure, packages) from failure
    return lock


def _platform(plan: Plan) -> str:
    """Return uv's name of the plan's platform.

    On Linux the newest wheels that the machine's glibc loads; where that is not known the oldest that the builds need.
    """
    if plan.platform.startswith("windows"):
        return "x86_64-pc-windows-msvc"
    machine = "aarch64" if plan.platform in ("linux-aarch64", "jetson", "macos-arm64") else "x86_64"
    if plan.platform.startswith("macos"):
        return f"{machine}-apple-darwin"
    if plan.glibc is not None:
        newest = max((each for each in _MANYLINUX if each <= plan.glibc.minor), default=17)
        return f"{machine}-manylinux_2_{newest}"
    floor = max((build.glibc.minor for build in plan.builds if build.glibc), default=28)
    oldest = min((each for each in _MANYLINUX if each >= floor), default=_MANYLINUX[-1])
    return f"{machine}-manylinux_2_{oldest}"


def target_of(recipe: Recipe) -> list[str]:
    """Return uv's flags for the machine that the plan is for, whatever runs here."""
    base = getattr(sys, "_base_executable", sys.executable)
    return [
        *["--python", str(base), "--python-version", recipe.packages.python],
        *["--python-platform", _platform(recipe.plan)],
    ]


def _install(recipe: Recipe, lock: Path, python: Path, tools: Tools) -> None:
    """Install exactly what a pylock.toml names, every hash required.

    What has an index of its own is named by its address: no other index may answer for it.
    """
    artifacts = read_pylock(lock.read_text(encoding="utf-8"))
    packages = reachable(recipe.packages)
    direct = {wheel.name for wheel in packages.wheels if wheel.index is not None}
    pins = lock.with_name("requirements.lock.txt")
    pins.write_text(hashed_requirements(artifacts, direct), encoding="utf-8")
    tools.run(
        [
            *[find_uv(), "pip", "install", *_flags(tools), "--no-deps", "--require-hashes"],
            *["--python", str(python), "-r", pins.name],
        ],
        what="uv could not install the packages",
        changes=_variables(packages),
        directory=pins.parent,
    )


def _install_bundle(bundle: Path, python: Path, tools: Tools) -> None:
    """Install from a bundle alone: no index is asked, every hash is required."""
    tools.run(
        [
            *[find_uv(), "pip", "install", "--offline", "--no-index", "--no-deps"],
            *["--require-hashes", "--find-links", str(bundle / "wheels"), "--python", str(python)],
            *["-r", str(bundle / "requirements.txt")],
        ],
        what="uv could not install the bundle",
        changes={**VARIABLES, "UV_FIND_LINKS": "", "UV_INDEX": ""},
    )


def with_pip(recipe: Recipe) -> Recipe:
    """Return the recipe with pip among its wheels: without one in it, `pip` would be another environment's."""
    if any(wheel.name == "pip" for wheel in recipe.packages.wheels):
        return recipe
    wheels = (*recipe.packages.wheels, WheelRequirement("pip"))
    return replace(recipe, packages=replace(recipe.packages, wheels=wheels))


def install(recipe: Recipe, creation: Creation, tools: Tools) -> None:
    """Make an environment of wheels: interpreter, lock, room for what the lock names, installation."""
    python = find_python(recipe.packages.python)
    creation.mark()
    _make_environment(creation.prefix, python, tools)
    own = interpreter_of(creation.prefix)
    if tools.bundle is not None:
        _install_bundle(tools.bundle, own, tools)
        return
    lock = compile_lock(with_pip(recipe), ["--python", str(own)], creation.memory, tools)
    check_room(creation.prefix, known_bytes(read_pylock(lock.read_text())))
    _install(recipe, lock, own, tools)


def add_wheels(recipe: Recipe, creation: Creation, tools: Tools) -> None:
    """Add a conda environment's wheels, with every package that conda installed held where it is."""
    if not recipe.packages.wheels:
        return
    own = interpreter_of(creation.prefix)
    if tools.bundle is not None:
        _install_bundle(tools.bundle, own, tools)
        return
    installed = (
        folder.name for folder in creation.prefix.glob("lib/python*/site-packages/*.dist-info")
    )
    held = ["==".join(name.removesuffix(".dist-info").split("-")[:2]) for name in sorted(installed)]
    lock = compile_lock(recipe, ["--python", str(own)], creation.memory, tools, held=held)
    _install(recipe, lock, own, tools)

"""uv: environments of wheels, and the wheels of conda environments."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from stackcheck.environments.creation import Creation
from stackcheck.environments.installers.uv_room import room_watcher
from stackcheck.environments.interpreters import find_python
from stackcheck.environments.locks import hashed_requirements, name_indexes, read_pylock
from stackcheck.environments.packages import PackageSet, WheelRequirement
from stackcheck.environments.preflight import check_room
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.sizes import known_bytes
from stackcheck.environments.tools import ToolFailed, Tools
from stackcheck.environments.uv_settings import VARIABLES, index_teller, reachable, variables_for
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
    "with_seeds",
]

NEVER_BUILT = ("grpcio", "h5py", "numpy", "pandas", "scipy")
"""Packages that are taken as wheels only: compiling them takes longer than everything else together. Small sources
are built, since old releases of TensorFlow have dependencies without wheels."""


_WITHOUT_SETUPTOOLS = 12
"""The first Python 3 whose environments come without it."""

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
    """Say how uv is told of a mirror or of a site's own certificates, where an index could not be reached."""
    if "UnknownIssuer" in failure.words:
        hint = "hint: set UV_SYSTEM_CERTS=1 if your site signs its own certificates"
        return ToolFailed("an index's certificate is not trusted", f"{failure.words}\n{hint}")
    for wheel in packages.wheels:
        index = wheel.index
        if index is None:
            continue
        if f"Failed to fetch: {index.url}" in failure.words:
            what = f"{index.url} could not be reached"
        elif f"{wheel.name} was not found in the package registry" in failure.words:
            what = f"{index.url} has no {wheel.name}"
        else:
            continue
        hint = (
            f"hint: name a mirror by `UV_INDEX={index.name}=URL`, "
            "or a folder with its wheels by `UV_FIND_LINKS=DIR`"
        )
        return ToolFailed(what, f"{failure.words}\n{hint}")
    if "the network was disabled" in failure.words:
        return ToolFailed(
            "uv's cache has not all that the plan needs, and --offline", failure.words
        )
    if "Failed to fetch: " in failure.words:
        hint = "hint: name a mirror by UV_DEFAULT_INDEX=URL, a proxy by HTTPS_PROXY=URL, or use --bundle DIR"
        return ToolFailed("the package index could not be reached", f"{failure.words}\n{hint}")
    return failure


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
            changes=variables_for(packages),
            directory=folder,
        )
    except ToolFailed as failure:
        raise _with_hint(failure, packages) from failure
    if kind == "pylock.toml":
        text = lock.read_text(encoding="utf-8")
        lock.write_text(name_indexes(text, index_teller(packages)), encoding="utf-8")
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


def _install(recipe: Recipe, lock: Path, prefix: Path, tools: Tools) -> None:
    """Install exactly what a pylock.toml names, every hash required, with an eye on the room for it.

    Of a package whose index is not known uv would ask its server in spite of its cache: such a lock is installed by
    names, and what has an index of its own by its address, since no other index may answer for it.
    """
    artifacts = read_pylock(lock.read_text(encoding="utf-8"))
    packages = reachable(recipe.packages)
    command = [find_uv(), "pip", "install", *_flags(tools), "--python", str(interpreter_of(prefix))]
    if all(each.index for each in artifacts):
        command += ["--preview-features", "pylock", "-r", lock.name]
    else:
        direct = {wheel.name for wheel in packages.wheels if wheel.index is not None}
        pins = lock.with_name("requirements.lock.txt")
        pins.write_text(hashed_requirements(artifacts, direct), encoding="utf-8")
        command += ["--no-deps", "--require-hashes", "-r", pins.name]
    check_room(prefix, known_bytes(artifacts))
    changes = variables_for(packages)
    tools.run(
        command,
        what="uv could not install the packages",
        changes=changes,
        directory=lock.parent,
        watch=room_watcher(command, artifacts, prefix, tools, lock.parent, changes),
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


def with_seeds(recipe: Recipe) -> Recipe:
    """Return the recipe with what an environment that Python itself makes has in it.

    That is pip, without which `pip` would be another environment's, and before 3.12 setuptools, which frameworks of
    those Pythons import without asking for it.
    """
    minor = int(recipe.packages.python.split(".")[1])
    seeds = ("pip", "setuptools") if minor < _WITHOUT_SETUPTOOLS else ("pip",)
    there = {wheel.name for wheel in recipe.packages.wheels}
    more = tuple(WheelRequirement(name) for name in seeds if name not in there)
    wheels = (*recipe.packages.wheels, *more)
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
    lock = compile_lock(with_seeds(recipe), ["--python", str(own)], creation.memory, tools)
    _install(recipe, lock, creation.prefix, tools)


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
    _install(recipe, lock, creation.prefix, tools)

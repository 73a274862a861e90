"""Which installer makes an environment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from stackcheck.environments.creation import Creation
from stackcheck.environments.packages import PackageSet
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import Tools
from stackcheck.errors import InputError

__all__ = ["INSTALLERS", "Installer", "choose"]

CONDA_TOOLS = ("micromamba", "mamba", "conda")


@dataclass(frozen=True)
class Installer:
    """A way to fill a prefix. `install` leaves it complete or raises."""

    name: str
    install: Callable[[Recipe, Creation, Tools], None]


def _uv() -> Installer:
    from stackcheck.environments.installers import uv

    return Installer("uv", uv.install)


def _pip() -> Installer:
    from stackcheck.environments.installers import pip

    return Installer("pip", pip.install)


def _rattler() -> Installer:
    from stackcheck.environments.installers import rattler

    return Installer("rattler", rattler.install)


def _conda(name: str) -> Callable[[], Installer]:
    def make() -> Installer:
        from stackcheck.environments.installers import conda

        return Installer(name, conda.installer(name))

    return make


def _pixi() -> Installer:
    from stackcheck.environments.installers import pixi

    return Installer("pixi", pixi.install)


INSTALLERS: dict[str, Callable[[], Installer]] = {
    "rattler": _rattler,
    **{name: _conda(name) for name in CONDA_TOOLS},
    "pixi": _pixi,
    "uv": _uv,
    "pip": _pip,
}


def _automatic(packages: PackageSet) -> str:
    """Wheels go to uv, else to pip; conda packages to the embedded solver, else to the tool that is there."""
    if not packages.conda:
        return "uv" if find_spec("uv") or shutil.which("uv") else "pip"
    if find_spec("rattler"):
        return "rattler"
    for name in (*CONDA_TOOLS, "pixi"):
        if shutil.which(name):
            return name
    raise InputError(
        "the plan has conda packages and nothing here installs them: `pip install 'stackcheck[conda]'`, "
        "or ask for wheels with `--channel pypi`"
    )


def choose(name: str, packages: PackageSet) -> Installer:
    """Return the installer of that name, or for `auto` the one that fits. Raises `InputError` if it cannot do it."""
    if name == "auto":
        name = _automatic(packages)
    if name not in INSTALLERS:
        known = ", ".join(("auto", *INSTALLERS, "none"))
        raise InputError(f"--installer {name}: there are {known}")
    if packages.conda and name in ("uv", "pip"):
        names = ", ".join(spec.name for spec in packages.conda)
        raise InputError(
            f"--installer {name}: the plan has conda packages ({names}); "
            "use `--installer rattler`, or ask for wheels with `--channel pypi`"
        )
    if name == "rattler" and not find_spec("rattler"):
        raise InputError("--installer rattler: install it with `pip install 'stackcheck[conda]'`")
    if name in (*CONDA_TOOLS, "pixi") and not shutil.which(name):
        raise InputError(f"--installer {name}: it is not on PATH")
    return INSTALLERS[name]()

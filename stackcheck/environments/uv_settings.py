"""What the user's own uv settings mean for a plan: mirrors, folders of wheels, credentials, the cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environments.credentials import index_entries, password_variables, split_credentials
from stackcheck.environments.locks import Artifact
from stackcheck.environments.packages import PackageSet, WheelRequirement

__all__ = ["VARIABLES", "as_uv_constraint", "index_teller", "reachable", "variables_for"]

VARIABLES: Mapping[str, str] = {"UV_PYTHON_DOWNLOADS": "never"}

_PYPI = "https://pypi.org/simple"
_PYPI_FILES = "https://files.pythonhosted.org/"


def _folders() -> list[Path]:
    """Return the folders of the user's `UV_FIND_LINKS`."""
    places = os.environ.get("UV_FIND_LINKS", "").split(",")
    folders = (Path(place.strip().removeprefix("file://")) for place in places if place.strip())
    return [folder for folder in folders if folder.is_dir()]


def _local_wheels() -> set[tuple[str, str]]:
    """Return (normalised name, version) of every wheel in those folders."""
    found: set[tuple[str, str]] = set()
    for folder in _folders():
        for wheel in folder.glob("*.whl"):
            name, version = wheel.name.split("-")[:2]
            found.add((canonicalize_name(name), version))
    return found


def reachable(packages: PackageSet) -> PackageSet:
    """Return the packages as the user's own uv settings have them, without any credentials.

    A package that lies at exactly its version in a folder of `UV_FIND_LINKS` needs no index. An index that `UV_INDEX`
    names as ours takes its place, and like ours is asked for its own packages alone.
    """
    local, mirrors = _local_wheels(), {name: url for name, url in index_entries("UV_INDEX") if name}

    def adapt(wheel: WheelRequirement) -> WheelRequirement:
        if wheel.index is None:
            return wheel
        pins = [each.version for each in Requirement(wheel.text).specifier if each.operator == "=="]
        if any((wheel.name, pin) in local for pin in pins):
            return replace(wheel, index=None)
        url = split_credentials(mirrors.get(wheel.index.name, wheel.index.url))[0]
        return replace(wheel, index=replace(wheel.index, url=url))

    return replace(packages, wheels=tuple(adapt(wheel) for wheel in packages.wheels))


def variables_for(packages: PackageSet) -> dict[str, str]:
    """Return the variables for uv.

    The indexes that stand in its project file already are left out; their credentials, which must stand in no file,
    go along as the variables that uv has for them.
    """
    named = {index.name for index in packages.indexes}
    found = dict(VARIABLES)
    kept: list[str] = []
    for name, url in index_entries("UV_INDEX"):
        if name not in named:
            kept.append(f"{name}={url}" if name else url)
            continue
        _, user, password = split_credentials(url)
        if user:
            found |= dict(zip(password_variables(name), (user, password), strict=True))
    return {**found, "UV_INDEX": " ".join(kept)}


def as_uv_constraint(path: Path) -> str:
    """Return a path as `UV_CONSTRAINT` takes it: a list that spaces part, in which only an address can have one."""
    return path.as_uri() if " " in str(path) else str(path)


def index_teller(packages: PackageSet) -> Callable[[Artifact], str]:
    """Return a function that tells which index a package of a lock came from, empty where that is not known."""
    own = {wheel.name: wheel.index.url for wheel in packages.wheels if wheel.index is not None}
    folders = {folder.resolve().as_uri() for folder in _folders()}

    def tell(artifact: Artifact) -> str:
        if artifact.name in own:
            return own[artifact.name]
        folder = artifact.place.rpartition("/")[0]
        if folder in folders:
            return folder
        return _PYPI if artifact.place.startswith(_PYPI_FILES) else ""

    return tell

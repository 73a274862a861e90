"""From requirements to a recipe: which channel and which Python suit the way of installing."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as PipRequirement

from stackcheck.environments.backends import BACKENDS, lacks_backend
from stackcheck.environments.bundling import python_of
from stackcheck.environments.channels import is_conda
from stackcheck.environments.interpreters import available_pythons
from stackcheck.environments.packages import packages_of
from stackcheck.environments.recipe import Recipe
from stackcheck.errors import InputError
from stackcheck.model.version import parse_version
from stackcheck.resolve.requirements import parse_requirement

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.machine import Machine
    from stackcheck.model.plan import Plan, Requirement, Resolution
    from stackcheck.resolve.wishes import Wishes

__all__ = ["default_name", "make_recipe", "resolve_for", "suits_this_machine"]

_CONDA_INSTALLERS = {"rattler", "conda", "mamba", "micromamba", "pixi"}
_CONDA_KINDS = {"environment.yml", "explicit", "pixi.toml", "pixi.lock"}


def resolve_for(
    requirements: Sequence[Requirement],
    machines: Sequence[Machine],
    knowledge: Knowledge,
    wishes: Wishes,
    *,
    installer: str,
    kinds: Collection[str],
    bundle: Path | None = None,
) -> Resolution:
    """Resolve for a way of installing, and give Keras the first backend that fits if none was named."""

    def resolve_with(*more: Requirement) -> Resolution:
        asked = (*requirements, *more)
        return _resolve_for(asked, machines, knowledge, wishes, installer, kinds, bundle)

    found = resolve_with()
    if found.plan is None or not lacks_backend(found.plan.builds):
        return found
    for name in BACKENDS:
        completed = resolve_with(parse_requirement(name, knowledge))
        if completed.plan is not None:
            said = f"Keras needs a backend and none was named: {name}"
            return replace(completed, assumed=(*completed.assumed, said))
    return found


def _resolve_for(
    requirements: Sequence[Requirement],
    machines: Sequence[Machine],
    knowledge: Knowledge,
    wishes: Wishes,
    installer: str,
    kinds: Collection[str],
    bundle: Path | None,
) -> Resolution:
    """Resolve.

    Who asks for conda's tools or files alone, and names no channel, gets conda-forge's builds where they hold, else
    the same as everybody. Environments of wheels stand on an interpreter that is here: those are tried first. A
    bundle that is there fixes the Python.
    """
    from stackcheck.resolve.preference import contemporaries
    from stackcheck.resolve.resolver import resolve

    wants_conda = installer in _CONDA_INSTALLERS or (
        installer in ("auto", "none") and bool(kinds) and set(kinds) <= _CONDA_KINDS
    )
    if wants_conda and not wishes.channel:
        forge = resolve(requirements, machines, knowledge, replace(wishes, channel="conda-forge"))
        if forge.plan is not None and all(is_conda(build) for build in forge.plan.builds):
            return forge
    if bundle is not None and not wishes.python and (bundled := python_of(bundle)):
        wishes = replace(wishes, python=parse_version(bundled))
    if not wishes.python and (installer in ("auto", "uv", "pip") or bundle is not None):
        own = f"{sys.version_info[0]}.{sys.version_info[1]}"
        here = available_pythons()
        wishes = replace(wishes, pythons=(own, *(each for each in here if each != own)))
        found = resolve(requirements, machines, knowledge, wishes)
        if found.plan is None or not found.plan.exclude_newer:
            return found
        wishes = replace(wishes, pythons=tuple(contemporaries(here, found.plan.exclude_newer)))
    return resolve(requirements, machines, knowledge, wishes)


def default_name(plan: Plan) -> str:
    """Return a name such as `pytorch-2.9.0-cu128`."""
    text = "-".join(f"{build.framework}-{build.version.public}" for build in plan.builds)
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{text}-{plan.builds[0].build}")


def _plain(name: str) -> str:
    """Return the name as every file format takes it: conda's, pip's and Docker's names have no spaces."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "environment"


def make_recipe(plan: Plan, name: str, prefix: str, additions: Iterable[str]) -> Recipe:
    """Return the recipe. Raises `InputError` with every malformed addition, and where one contradicts the plan."""
    faults: list[str] = []
    good: list[str] = []
    pins = {build.distribution: build for build in plan.builds}
    for text in additions:
        try:
            requirement = PipRequirement(text)
        except InvalidRequirement as error:
            faults.append(f"--with {text!r}: {str(error).splitlines()[0]}")
            continue
        build = pins.get(requirement.name)
        if build is not None and build.version.public not in requirement.specifier:
            faults.append(f"--with {text}: the plan has {build.label}; ask for it as SPEC instead")
        good.append(text)
    if faults:
        raise InputError(*faults)
    return Recipe(plan, packages_of(plan, good), _plain(name), prefix)


def suits_this_machine(plan: Plan) -> bool:
    """Whether an environment for the plan's platform can be made here."""
    import platform

    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    arch = platform.machine().lower().replace("amd64", "x86_64").replace("arm64", "aarch64")
    wanted = plan.platform.replace("jetson", "linux-aarch64").replace("arm64", "aarch64")
    return wanted == f"{system}-{arch}"

"""Holding an environment to its plan, whatever is installed into it later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.environments.directories import MEMORY
from stackcheck.environments.recipe import Recipe
from stackcheck.model.plan import Plan

__all__ = ["UNGUARDED", "belongs_to_build", "constraints_of", "guard"]

UNGUARDED = (
    "uv reads no pip.conf: activate the environment by `stackcheck env activate`, which sets UV_CONSTRAINT",
    "`pip uninstall`, and any pip with PIP_CONFIG_FILE=/dev/null, asks no constraint",
)
"""What cannot be guarded, for the user."""

_PART_OF_A_BUILD = re.compile(
    r"nvidia-|cuda-toolkit$|jaxlib$|jax-cuda|triton$|torchvision$|torchaudio$|tensorflow$|tensorflow-cpu$"
)
"""Distributions that belong to a framework's build: another version of one is another build."""


def belongs_to_build(plan: Plan, name: str) -> bool:
    """Whether a distribution is a framework of the plan or a part of one's build."""
    exact = {canonicalize_name(build.distribution) for build in plan.builds}
    return canonicalize_name(name) in exact or bool(_PART_OF_A_BUILD.match(canonicalize_name(name)))


def constraints_of(recipe: Recipe, installed: Mapping[str, str]) -> list[str]:
    """Return the pins: what belongs to a build at exactly what was installed, the rest as the plan has it."""
    pins = {
        canonicalize_name(name): f"{name}=={version}"
        for name, version in installed.items()
        if belongs_to_build(recipe.plan, name)
    }
    for text in recipe.packages.constraints:
        requirement = Requirement(text)
        pins.setdefault(canonicalize_name(requirement.name), text)
    return sorted(pins.values())


def _write_pip(prefix: Path, constraints: Iterable[str]) -> None:
    """Write pip's own configuration of this environment: pip reads it wherever it was started from."""
    path = prefix / MEMORY / "constraints.txt"
    lines = "".join(f"{line}\n" for line in constraints)
    path.write_text(
        f"# The pins of this environment's plan; `stackcheck env show {prefix}` has the plan.\n{lines}"
    )
    name = "pip.ini" if (prefix / "Scripts").is_dir() else "pip.conf"
    (prefix / name).write_text(f"[install]\nconstraint = {path.as_uri()}\n")


def guard(recipe: Recipe, prefix: Path, installed: Mapping[str, str]) -> None:
    """Leave pip's constraint file and conda's `pinned` in the environment."""
    _write_pip(prefix, constraints_of(recipe, installed))
    if recipe.packages.conda and (prefix / "conda-meta").is_dir():
        lines = (f"{spec}\n" for spec in recipe.packages.environment_specs if spec.version)
        (prefix / "conda-meta" / "pinned").write_text("".join(lines))

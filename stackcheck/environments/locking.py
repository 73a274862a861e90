"""Locks, written by the tools whose formats they are: uv and rattler."""

from __future__ import annotations

import tempfile
from pathlib import Path

from stackcheck.environments.credentials import without_credentials
from stackcheck.environments.fetching import list_conda, list_wheels
from stackcheck.environments.header import header
from stackcheck.environments.installers import uv
from stackcheck.environments.locks import explicit_list
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import Tools
from stackcheck.errors import InputError

__all__ = ["lock"]


def lock(recipe: Recipe, kind: str, tools: Tools) -> str:
    """Return the text of a lock for the plan's machine. Raises `ToolFailed` where nothing satisfies the plan."""
    if kind in ("pylock.toml", "requirements.lock"):
        return _lock_wheels(recipe, kind, tools)
    if kind == "explicit":
        return _explicit(recipe, tools)
    return _pixi(recipe, tools)


def _lock_wheels(recipe: Recipe, kind: str, tools: Tools) -> str:
    if recipe.packages.conda:
        raise InputError(
            f"--write {kind}: the plan has conda packages; ask for wheels with `--channel pypi`"
        )
    form = "pylock.toml" if kind == "pylock.toml" else "requirements.txt"
    with tempfile.TemporaryDirectory(prefix="stackcheck-") as folder:
        path = uv.compile_lock(
            uv.with_seeds(recipe), uv.target_of(recipe), Path(folder), tools, kind=form
        )
        return header(recipe.plan) + without_credentials(path.read_text(encoding="utf-8"))


def _explicit(recipe: Recipe, tools: Tools) -> str:
    """Return conda's explicit list; it has no place for wheels, which the head then names."""
    if not recipe.packages.conda:
        raise InputError(
            "--write explicit: the plan has wheels only; ask for conda packages with `--channel conda-forge`"
        )
    records = list_conda(recipe, tools)
    wheels = " ".join(wheel.text for wheel in recipe.packages.wheels)
    usage = ["Create: conda create --name NAME --file explicit.txt"]
    usage += [f"Then: pip install {wheels}"] if wheels else []
    return header(recipe.plan, *usage) + explicit_list(records)


def _pixi(recipe: Recipe, tools: Tools) -> str:
    from stackcheck.environments.installers import rattler

    wheels = [(each.name, each.version, each.place) for each in list_wheels(recipe, tools)]
    with tempfile.TemporaryDirectory(prefix="stackcheck-") as folder:
        path = Path(folder) / "pixi.lock"
        rattler.write_pixi_lock(recipe, tools, path, wheels)
        return without_credentials(path.read_text(encoding="utf-8"))

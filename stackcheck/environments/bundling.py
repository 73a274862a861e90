"""Bundles: a folder with everything that an environment needs, hashed, for machines without network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.environments.fetching import (
    conda_artifacts,
    fetch,
    list_conda,
    list_wheels,
)
from stackcheck.environments.files import write_atomically
from stackcheck.environments.locks import hashed_requirements
from stackcheck.environments.sizes import measure
from stackcheck.environments.stored_plan import dump_plan
from stackcheck.errors import InputError

if TYPE_CHECKING:
    from stackcheck.environments.locks import Artifact
    from stackcheck.environments.recipe import Recipe
    from stackcheck.environments.tools import Tools

__all__ = ["fill_bundle", "is_bundle", "matches", "python_of"]

_NAME = "bundle.json"


def is_bundle(folder: Path) -> bool:
    """Whether the folder holds a complete bundle: its description is written last."""
    return (folder / _NAME).is_file()


def python_of(folder: Path) -> str | None:
    """Return the Python that a complete bundle was made for; None where there is none."""
    if not is_bundle(folder):
        return None
    return str(_read(folder)["recipe"]["plan"]["python"])


def _read(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        content["recipe"]["plan"]["python"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"--bundle {folder}: its {_NAME} cannot be read ({error})") from error
    return content


def matches(folder: Path, recipe: Recipe) -> bool:
    """Whether the bundle was made for this very recipe. Raises `InputError` for a damaged one."""
    return bool(_read(folder)["recipe"] == _identity(recipe))


def _identity(recipe: Recipe) -> dict[str, Any]:
    return {
        "plan": dump_plan(recipe.plan),
        "wheels": [wheel.text for wheel in recipe.packages.wheels],
        "conda": [str(spec) for spec in recipe.packages.environment_specs],
    }


def _write_channel(folder: Path, records: list[dict[str, Any]]) -> None:
    """Write the index of a channel that has just these packages."""
    for subdir in {"noarch", *(record["subdir"] for record in records)}:
        plain: dict[str, Any] = {}
        packed: dict[str, Any] = {}
        for record in records:
            if record["subdir"] == subdir:
                table = packed if record["file_name"].endswith(".conda") else plain
                table[record["file_name"]] = record["index"]
        document = {"info": {"subdir": subdir}, "packages": plain, "packages.conda": packed}
        write_atomically(folder / "channel" / subdir / "repodata.json", json.dumps(document))


def fill_bundle(folder: Path, recipe: Recipe, tools: Tools) -> tuple[Artifact, ...]:
    """Fetch everything into the folder; what is there already is kept. Returns what is in it.

    Raises `ToolFailed` if nothing satisfies the plan and `FetchFailed` for a file that cannot be had.
    """
    (folder / _NAME).unlink(missing_ok=True)
    wheels = list_wheels(recipe, tools)
    records = list_conda(recipe, tools)
    artifacts = measure((*wheels, *conda_artifacts(records)), offline=False)
    places = [
        *(folder / "wheels" / wheel.file_name for wheel in wheels),
        *(folder / "channel" / record["subdir"] / record["file_name"] for record in records),
    ]
    fetch(zip(artifacts, places, strict=True), shown=tools.shows_progress)
    if records:
        _write_channel(folder, records)
    write_atomically(folder / "requirements.txt", hashed_requirements(wheels))
    listed = [
        {"name": each.name, "version": each.version, "file": str(place.relative_to(folder))}
        | {"hash": f"{each.algorithm}:{each.digest}", "size": place.stat().st_size}
        for each, place in zip(artifacts, places, strict=True)
    ]
    document = {"schema": "stackcheck.bundle/1", "recipe": _identity(recipe), "files": listed}
    write_atomically(folder / _NAME, json.dumps(document, indent=2) + "\n")
    return artifacts

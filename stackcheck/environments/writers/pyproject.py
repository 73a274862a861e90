"""A `pyproject.toml` for uv: explicit indexes, so that only the packages that need one are looked up there."""

from __future__ import annotations

import json

from packaging.requirements import Requirement

from stackcheck.environments.header import header
from stackcheck.environments.recipe import Recipe

__all__ = ["write"]


def write(recipe: Recipe) -> str:
    """Return the file, which `uv sync` and `uv pip install -r` read alike. JSON strings are TOML strings, too."""
    major, minor = recipe.packages.python.split(".")[:2]
    lines = [
        header(recipe.plan, "Create: uv sync, or paste the tables into your own pyproject.toml"),
        "[project]\n",
        f"name = {json.dumps(recipe.name)}\n",
        'version = "0"\n',
        f'requires-python = "=={major}.{minor}.*"\n',
        "dependencies = [\n",
        *(f"    {json.dumps(wheel.text)},\n" for wheel in recipe.packages.wheels),
        "]\n\n",
        "[tool.uv]\n",
        "package = false\n",
    ]
    pages = [index.url for index in recipe.packages.indexes if index.kind == "find-links"]
    if pages:
        lines.append(f"find-links = {json.dumps(pages)}\n")
    if recipe.plan.exclude_newer:
        lines.append(f"exclude-newer = {json.dumps(recipe.plan.exclude_newer)}\n")
        lines += [  # these indexes tell no upload dates, without which everything in them counts as newer
            f"exclude-newer-package.{json.dumps(wheel.name)} = false\n"
            for wheel in recipe.packages.wheels
            if wheel.index is not None
        ]
        # what builds an old source distribution need not be of its day
        lines += [f"exclude-newer-package.{name} = false\n" for name in ("setuptools", "wheel")]
    sourced = [
        wheel
        for wheel in recipe.packages.wheels
        if wheel.index is not None and wheel.index.kind == "index"
    ]
    if sourced:
        lines.append("\n[tool.uv.sources]\n")
        for wheel in sourced:
            index = wheel.index
            if index is not None:
                written = Requirement(wheel.text).name
                lines.append(f"{json.dumps(written)} = {{ index = {json.dumps(index.name)} }}\n")
    for index in recipe.packages.indexes:
        if index.kind == "index":
            lines += [
                "\n[[tool.uv.index]]\n",
                f"name = {json.dumps(index.name)}\n",
                f"url = {json.dumps(index.url)}\n",
                "explicit = true\n",
            ]
    return "".join(lines)

"""conda's `environment.yml`."""

from __future__ import annotations

import json

from stackcheck.environments.backends import variables_of
from stackcheck.environments.header import cuda_override, header
from stackcheck.environments.recipe import Recipe

__all__ = ["write"]


def write(recipe: Recipe, file_name: str = "environment.yml") -> str:
    """Return the file. Wheels stand in its `pip:` section, with their indexes. JSON strings are YAML strings, too.

    `nodefaults` is left out on purpose: conda 26.7 took it for the name of a channel.
    """
    override = cuda_override(recipe.plan)
    prefix = f"CONDA_OVERRIDE_CUDA={override} " if override and recipe.packages.conda else ""
    lines = [
        header(recipe.plan, f"Create: {prefix}conda env create -f {file_name}"),
        f"name: {json.dumps(recipe.name)}\n",
        "channels:\n",
        *(f"  - {channel}\n" for channel in recipe.packages.channels),
        "dependencies:\n",
        *(f"  - {json.dumps(str(spec))}\n" for spec in recipe.packages.environment_specs),
    ]
    if recipe.packages.wheels:
        lines.append("  - pip:\n")
        for index in recipe.packages.indexes:
            flag = "--find-links" if index.kind == "find-links" else "--extra-index-url"
            lines.append(f"      - {json.dumps(f'{flag} {index.url}')}\n")
        lines += [f"      - {json.dumps(wheel.text)}\n" for wheel in recipe.packages.wheels]
    if variables := variables_of(recipe.plan.builds):
        lines.append("variables:\n")
        lines += [f"  {name}: {json.dumps(value)}\n" for name, value in variables.items()]
    return "".join(lines)

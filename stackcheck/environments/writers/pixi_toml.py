"""pixi's `pixi.toml`."""

from __future__ import annotations

import json

from packaging.requirements import Requirement

from stackcheck.environments.channels import subdir_of
from stackcheck.environments.header import header
from stackcheck.environments.packages import CondaSpec
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.virtual_packages import virtual_packages_of
from stackcheck.model.plan import Plan

__all__ = ["write"]


def _conda_entry(spec: CondaSpec) -> str:
    version = json.dumps(spec.version or "*")
    if not spec.build:
        return f"{spec.name} = {version}\n"
    return f"{spec.name} = {{ version = {version}, build = {json.dumps(spec.build)} }}\n"


def _wheel_entry(text: str, index: str) -> str:
    requirement = Requirement(text)
    fields = [f"version = {json.dumps(str(requirement.specifier) or '*')}"]
    if requirement.extras:
        fields.append(f"extras = {json.dumps(sorted(requirement.extras))}")
    if index:
        fields.append(f"index = {json.dumps(index)}")
    return f"{json.dumps(requirement.name)} = {{ {', '.join(fields)} }}\n"


def _platform(plan: Plan) -> str:
    """Return the platform with the machine it is for; `[system-requirements]` is deprecated in its favour."""
    known = {entry.name: entry.version for entry in virtual_packages_of(plan)}
    fields = [f"platform = {json.dumps(subdir_of(plan.platform))}"]
    cuda = [
        f"{key} = {json.dumps(known[name])}"
        for key, name in (("driver", "__cuda"), ("arch", "__cuda_arch"))
        if name in known
    ]
    if cuda:
        fields.append(f"cuda = {{ {', '.join(cuda)} }}")
    if "__glibc" in known:
        fields.append(f"glibc = {json.dumps(known['__glibc'])}")
    return f"{{ {', '.join(fields)} }}"


def write(recipe: Recipe) -> str:
    """Return the file. Conda packages and wheels stand in their own tables."""
    lines = [
        header(recipe.plan, "Create: pixi install"),
        "[workspace]\n",
        f"name = {json.dumps(recipe.name)}\n",
        f"channels = {json.dumps(list(recipe.packages.channels))}\n",
        f"platforms = [{_platform(recipe.plan)}]\n",
        "\n[dependencies]\n",
        *(_conda_entry(spec) for spec in recipe.packages.environment_specs),
    ]
    if recipe.packages.wheels:
        lines.append("\n[pypi-dependencies]\n")
        for wheel in recipe.packages.wheels:
            own = wheel.index is not None and wheel.index.kind == "index"
            lines.append(_wheel_entry(wheel.text, wheel.index.url if own and wheel.index else ""))
    pages = [index.url for index in recipe.packages.indexes if index.kind == "find-links"]
    if pages:
        links = ", ".join(f"{{ url = {json.dumps(url)} }}" for url in pages)
        lines.append(f"\n[pypi-options]\nfind-links = [{links}]\n")
    return "".join(lines)

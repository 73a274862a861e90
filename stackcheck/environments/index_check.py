"""A plan against the real index: what uv would resolve it to, beside what the plan and its rows say."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from stackcheck.environments.channels import is_conda
from stackcheck.environments.installers.uv import compile_lock, target_of
from stackcheck.environments.locks import read_pylock
from stackcheck.environments.packages import packages_of
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import ToolFailed, Tools
from stackcheck.model.plan import Plan
from stackcheck.model.version import Version

__all__ = ["IndexCheck", "check_on_index"]

_UNREACHABLE = re.compile(
    r"failed to fetch|network|dns|connect|timed out|offline|was not found in the cache",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class IndexCheck:
    """`status` is `ok`, `differs`, `unresolvable` or `unreachable`."""

    status: str
    differences: tuple[str, ...] = ()
    message: str = ""
    pins: tuple[str, ...] = ()


def check_on_index(plan: Plan, tools: Tools) -> IndexCheck:
    """Let uv resolve the plan for its Python and platform, and compare every pin."""
    if any(is_conda(build) for build in plan.builds):
        return IndexCheck(
            "unreachable", message="the plan's builds are conda packages, which no wheel index has"
        )
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe(plan, packages_of(plan), "check")
        try:
            lock = compile_lock(recipe, target_of(recipe), Path(folder), tools)
        except ToolFailed as failure:
            status = "unreachable" if _UNREACHABLE.search(failure.words) else "unresolvable"
            return IndexCheck(status, message=failure.words)
        found = {artifact.name: artifact.version for artifact in read_pylock(lock.read_text())}
    differences = tuple(_differences(plan, found))
    pins = tuple(f"{name}=={version}" for name, version in sorted(found.items()))
    return IndexCheck("differs" if differences else "ok", differences, pins=pins)


def _differences(plan: Plan, found: dict[str, str]) -> Iterator[str]:
    for build in plan.builds:
        wanted = {build.distribution: f"=={build.version}", **build.requires}
        for name, specifier in wanted.items():
            resolved = found.get(name)
            if name == build.distribution and f"{name}=={resolved} " in f"{build.install} ":
                continue  # a post-release that repackages the row's release for its CUDA
            if resolved is None:
                # a pin may hold for some Pythons only (triton), a CUDA component holds for all
                if name == build.distribution or name.startswith("nvidia-"):
                    yield f"{build.label}: the index resolves no {name}, the row says {name}{specifier}"
            elif specifier and not SpecifierSet(specifier).contains(
                Version(resolved).public, prereleases=True
            ):
                yield f"{build.label}: the index resolves {name}=={resolved}, the row says {name}{specifier}"
    for name, specifier in plan.packages.items():
        resolved = found.get(name)
        if (
            resolved
            and specifier
            and not SpecifierSet(specifier).contains(resolved, prereleases=True)
        ):
            yield f"the index resolves {name}=={resolved}, the plan says {name}{specifier}"

"""The kinds of files that can be written, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from stackcheck.atomic import replace_file
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.writers import (
    apptainer,
    devcontainer,
    dockerfile,
    environment_yml,
    modulefile,
    pixi_toml,
    pyproject,
    requirements_txt,
)
from stackcheck.errors import InputError

__all__ = ["KINDS", "LOCKS", "WRITERS", "place", "render", "write_atomically"]

WRITERS: Mapping[str, tuple[str, Callable[[Recipe], str]]] = {
    "environment.yml": ("environment.yml", environment_yml.write),
    "pixi.toml": ("pixi.toml", pixi_toml.write),
    "requirements.txt": ("requirements.txt", requirements_txt.write),
    "pyproject": ("pyproject.toml", pyproject.write),
    "Dockerfile": ("Dockerfile", dockerfile.write),
    "apptainer": ("environment.def", apptainer.write),
    "devcontainer": (".devcontainer/devcontainer.json", devcontainer.write),
    "modulefile": ("modulefile", modulefile.write),
}
"""Kind to the file's usual name and its writer: pure functions, without any network."""

LOCKS: Mapping[str, str] = {
    "explicit": "explicit.txt",
    "pixi.lock": "pixi.lock",
    "pylock.toml": "pylock.toml",
    "requirements.lock": "requirements.lock.txt",
}
"""Kind to usual name of those that need a solver: every package with its address and hash."""

KINDS = (*WRITERS, *LOCKS)


def render(recipe: Recipe, kind: str) -> dict[str, str]:
    """Return the texts of a kind by file name. Raises `InputError` where the plan cannot be written so."""
    wheel_kinds = {"requirements.txt", "pyproject"}
    if kind in wheel_kinds and recipe.packages.conda:
        names = ", ".join(spec.name for spec in recipe.packages.conda)
        raise InputError(
            f"--write {kind}: the plan has conda packages ({names}); ask for wheels with `--channel pypi`"
        )
    name, write = WRITERS[kind]
    texts = {name: write(recipe)}
    if kind == "devcontainer":
        texts[".devcontainer/Dockerfile"] = dockerfile.write(recipe)
    return texts


def place(names: Iterable[str], output: Path | None) -> dict[str, Path]:
    """Return where each file goes: `output` itself for a single one, else below it (or the working directory)."""
    listed = list(names)
    if output is None:
        return {name: Path(name) for name in listed}
    if len(listed) == 1 and not output.is_dir():
        return {listed[0]: output}
    if output.exists() and not output.is_dir():
        raise InputError(f"--output {output}: several files need a directory, this is a file")
    return {name: output / name for name in listed}


def write_atomically(path: Path, text: str) -> None:
    """Replace the file, so that no reader meets half of it. Raises `InputError` where that is impossible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text, newline="\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error

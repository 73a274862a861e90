"""pip's `requirements.txt`: the plan's own pins, in the order of their names."""

from __future__ import annotations

from stackcheck.environments.header import header
from stackcheck.environments.recipe import Recipe

__all__ = ["write"]


def write(recipe: Recipe) -> str:
    """Return the file. pip knows no index for one package alone: the local versions (`+cu128`) keep them apart."""
    lines = [
        header(
            recipe.plan,
            f"Install: python{recipe.packages.python} -m pip install -r requirements.txt",
        )
    ]
    for index in recipe.packages.indexes:
        flag = "--find-links" if index.kind == "find-links" else "--extra-index-url"
        lines.append(f"{flag} {index.url}\n")
    lines += sorted(f"{wheel.text}\n" for wheel in recipe.packages.wheels)
    return "".join(lines)

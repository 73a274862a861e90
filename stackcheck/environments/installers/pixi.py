"""pixi: a workspace in the prefix, whose environment lies where pixi keeps it."""

from __future__ import annotations

from stackcheck.environments.creation import Creation
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import Tools
from stackcheck.environments.virtual_packages import overrides_of
from stackcheck.environments.writers import pixi_toml
from stackcheck.errors import InputError

__all__ = ["command_line", "install"]


def command_line(recipe: Recipe) -> list[str]:
    """Return the command; pixi solves the conda packages and the wheels together."""
    return ["pixi", "install", "--manifest-path", f"{recipe.prefix}/pixi.toml"]


def install(recipe: Recipe, creation: Creation, tools: Tools) -> None:
    """Write the manifest and install it. Raises `InputError` offline: pixi has no such mode."""
    if tools.offline:
        raise InputError("--offline: pixi would ask the network; use --installer rattler")
    creation.mark()
    (creation.prefix / "pixi.toml").write_text(pixi_toml.write(recipe))
    tools.run(
        command_line(recipe),
        what="pixi could not install the environment",
        changes=overrides_of(recipe.plan),
    )

"""conda, mamba and micromamba, where the user asks for one of them."""

from __future__ import annotations

from collections.abc import Callable

from stackcheck.environments.conda_settings import channel_url
from stackcheck.environments.creation import Creation
from stackcheck.environments.installers import uv
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import Tools
from stackcheck.environments.virtual_packages import overrides_of

__all__ = ["command_line", "installer"]


def command_line(tool: str, recipe: Recipe, tools: Tools) -> list[str]:
    """Return the command. The plan's channels are the only ones: what the user added elsewhere could swap builds."""
    channels = [
        word for name in recipe.packages.channels for word in ("--channel", channel_url(name))
    ]
    return [
        *[tool, "create", "--yes", "--prefix", recipe.prefix],
        *["--override-channels", *channels],
        *(["--offline"] if tools.offline else []),
        *(["--quiet"] if not tools.shows_progress else []),
        *[str(spec) for spec in recipe.packages.environment_specs],
    ]


def installer(tool: str) -> Callable[[Recipe, Creation, Tools], None]:
    """Return the installation by that tool. It insists on making the prefix itself, which is marked at once."""

    def install(recipe: Recipe, creation: Creation, tools: Tools) -> None:
        def mark_when_there() -> None:
            if creation.prefix.is_dir() and not creation.memory.exists():
                creation.mark()

        tools.run(
            command_line(tool, recipe, tools),
            what=f"{tool} could not create the environment",
            changes=overrides_of(recipe.plan),
            watch=mark_when_there,
        )
        creation.mark()
        uv.add_wheels(recipe, creation, tools)

    return install

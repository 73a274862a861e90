"""`python -m venv` with pip: the last resort where there is no uv."""

from __future__ import annotations

from stackcheck.environments.creation import Creation
from stackcheck.environments.interpreters import find_python
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import Tools
from stackcheck.environments.verification import interpreter_of
from stackcheck.environments.writers import requirements_txt

__all__ = ["install"]


def install(recipe: Recipe, creation: Creation, tools: Tools) -> None:
    """Install the plan's pins; pip resolves the rest, with the user's own configuration. Nothing is locked."""
    python = find_python(recipe.packages.python)
    creation.mark()
    tools.run(
        [str(python), "-m", "venv", str(creation.prefix)],
        what="`python -m venv` could not make the environment (on Debian: install python3-venv)",
    )
    pins = creation.memory / "requirements.txt"
    pins.write_text(requirements_txt.write(recipe))
    tools.run(
        [
            *[str(interpreter_of(creation.prefix)), "-m", "pip", "install"],
            *["--disable-pip-version-check", "--no-input", "-r", str(pins)],
            *(["--no-index"] if tools.offline else []),
            *(["--quiet"] if not tools.shows_progress else []),
        ],
        what="pip could not install the packages",
    )

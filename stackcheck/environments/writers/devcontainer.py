"""A `devcontainer.json`, which stands beside the Dockerfile of the same plan."""

from __future__ import annotations

import json

from stackcheck.environments.header import header
from stackcheck.environments.recipe import Recipe

__all__ = ["write"]


def write(recipe: Recipe) -> str:
    """Return the file, with the comments that the format allows.

    `optional` has its tools pass the GPUs where there are some; `--gpus all` in `runArgs` would fail without one.
    """
    content: dict[str, object] = {
        "name": recipe.name,
        "build": {"dockerfile": "Dockerfile"},
        "remoteUser": "worker",
        "customizations": {
            "vscode": {
                "extensions": ["ms-python.python"],
                "settings": {"python.defaultInterpreterPath": "/opt/env/bin/python"},
            }
        },
    }
    if recipe.plan.cuda is not None:
        content["hostRequirements"] = {"gpu": "optional"}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return (
        header(recipe.plan, "Stands in .devcontainer/, beside its Dockerfile", mark="//")
        + text
        + "\n"
    )

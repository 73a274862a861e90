"""The ready-made files of `conda-envs/`: each framework for each generation of GPUs, made by the same writers.

    python -m stackcheck.environments.ready conda-envs

writes them anew; a test compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.environments.channels import is_conda
from stackcheck.environments.files import write_atomically
from stackcheck.environments.planning import make_recipe
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.writers import environment_yml
from stackcheck.resolve.requirements import parse_requirement
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import Wishes

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["FRAMEWORKS", "GENERATIONS", "ready_files", "ready_recipes"]

FRAMEWORKS = ("pytorch", "tensorflow", "jax", "cupy")

GENERATIONS = {
    "blackwell": ("GeForce RTX 5090", "580.95.05"),
    "hopper": ("NVIDIA H100 80GB HBM3", "580.95.05"),
    "ada": ("GeForce RTX 4090", "580.95.05"),
    "ampere": ("A100", "580.95.05"),
    "turing": ("Tesla T4", "580.95.05"),
    "volta": ("Tesla V100", "580.95.05"),
    "pascal": ("GeForce GTX 1080 Ti", "580.95.05"),
    "maxwell": ("GeForce GTX 980", "580.95.05"),
    "kepler": ("Tesla K80", "470.256.02"),
}
"""A GPU of each generation, with the newest driver branch that still has it or the production branch of the day."""


def ready_recipes(knowledge: Knowledge) -> dict[str, Recipe]:
    """Return a recipe by file name, for every pair that conda-forge has a build for."""
    found: dict[str, Recipe] = {}
    for generation, (gpu, driver) in GENERATIONS.items():
        statement = Statement(gpu=[gpu], driver=driver, os="Ubuntu 22.04")
        machine = state_machine(statement, knowledge)
        for framework in FRAMEWORKS:
            asked = [parse_requirement(framework, knowledge)]
            wishes = Wishes(channel="conda-forge")
            plan = resolve(asked, [machine], knowledge, wishes, advise=False).plan
            if plan is not None and all(is_conda(build) for build in plan.builds):
                name = f"{framework}-{generation}"
                found[f"{name}.yml"] = make_recipe(plan, name, "", ())
    return found


def ready_files(knowledge: Knowledge) -> dict[str, str]:
    """Return the text of every file by its name."""
    recipes = ready_recipes(knowledge)
    return {name: environment_yml.write(recipe, name) for name, recipe in recipes.items()}


def main() -> None:
    """Write the files into the folder that the argument names, and remove those that are no longer made."""
    from stackcheck.knowledge.knowledge import load

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "conda-envs")
    texts = ready_files(load(None))
    for path in folder.glob("*.yml"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        write_atomically(folder / name, text)


if __name__ == "__main__":
    main()

"""A modulefile in Tcl, which Environment Modules and Lmod both read."""

from __future__ import annotations

import re
from pathlib import Path

from stackcheck.environments.backends import variables_of
from stackcheck.environments.directories import MEMORY
from stackcheck.environments.header import describe, header
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.uv_settings import as_uv_constraint

__all__ = ["write"]


def _quote(text: str) -> str:
    """Return the text as one Tcl word: quoted, with what Tcl would substitute made literal."""
    return '"' + re.sub(r'([\\"$\[\]{}])', r"\\\1", text) + '"'


def _constraint(prefix: str) -> str:
    if " " in prefix:
        return _quote(as_uv_constraint(Path(prefix) / MEMORY / "constraints.txt"))
    return f"$prefix/{MEMORY}/constraints.txt"


def write(recipe: Recipe) -> str:
    """Return the file. It holds later installations by uv to the plan's pins, as pip's are by the prefix's pip.conf."""
    what = describe(recipe.plan)
    help_lines = "".join(
        f"    puts stderr {_quote(line)}\n" for line in (what, *recipe.plan.machine)
    )
    variables = variables_of(recipe.plan.builds)
    variable = "CONDA_PREFIX" if recipe.packages.conda else "VIRTUAL_ENV"
    return (
        "#%Module1.0\n"
        + header(recipe.plan, "Place it on MODULEPATH")
        + f"\nproc ModulesHelp {{}} {{\n{help_lines}}}\n"
        + f"module-whatis {_quote(what)}\n"
        + f"set prefix {_quote(recipe.prefix)}\n"
        + "prepend-path PATH $prefix/bin\n"
        + f"setenv {variable} $prefix\n"
        + f"setenv UV_CONSTRAINT {_constraint(recipe.prefix)}\n"
        + "".join(f"setenv {name} {value}\n" for name, value in variables.items())
    )

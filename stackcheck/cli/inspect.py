"""`stackcheck inspect`: what GPU code files have, and which libraries they would load."""

from __future__ import annotations

from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.cli.state import State, print_document

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("inspect")(run)


def run(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="PATH-or-DISTRIBUTION", help="File, directory or distribution.")
    ],
    *,
    env: Annotated[
        str | None,
        typer.Option("--env", metavar="PREFIX", help="Environment that has the distribution."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read GPU architectures, CUDA runtime and needed libraries from ELF files; nothing is imported."""
    from stackcheck.probe.inspection import inspect
    from stackcheck.render.inspection import inspection_document, print_inspection

    state: State = context.obj
    files = inspect(target, env)
    if json:
        print_document("inspect", inspection_document(files))
    else:
        print_inspection(files, state.console(), verbose=state.verbose > 0)

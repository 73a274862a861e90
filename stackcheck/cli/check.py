"""`stackcheck check`: will exactly these builds run on that machine."""

from __future__ import annotations

from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption, MachineFlags, WishFlags, with_options
from stackcheck.cli.state import State, print_document

__all__ = ["register"]

_STATUS = {"works": 0, "fails": 1, "unknown": 3}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(run)


@with_options(machine=MachineFlags, wishes=WishFlags)
def run(
    context: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC]...", help="NAME[+BUILD][SPECIFIER], as pytorch+cu126==2.7.*"
        ),
    ] = None,
    *,
    machine: MachineFlags,
    wishes: WishFlags,
    requirements_file: Annotated[
        list[str] | None,
        typer.Option(
            "-r", metavar="FILE", help="Requirements, pyproject, environment or lock file."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Will exactly this run on that machine? Exit status: 0 works, 1 fails, 3 unknown."""
    from stackcheck.cli.machines import find_machines
    from stackcheck.render.verdict import print_verdict, verdict_document
    from stackcheck.resolve.check import check
    from stackcheck.resolve.requirements import read_requirements
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    knowledge = state.knowledge()
    requirements = read_requirements(specs or (), requirements_file or (), knowledge)
    asked = read_wishes(
        wishes.python, wishes.cuda, wishes.channel, wishes.prefer, wishes.exclude_newer
    )
    verdict = check(requirements, find_machines(machine, knowledge, state), knowledge, asked)
    if json:
        print_document(
            "check", {**verdict_document(verdict), "knowledge": state.horizon(knowledge)}
        )
    else:
        print_verdict(verdict, state.console())
    raise typer.Exit(_STATUS[verdict.verdict])

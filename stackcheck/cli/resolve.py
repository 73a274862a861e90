"""`stackcheck resolve`: the best plan for a machine, and what ruled out the rest."""

from __future__ import annotations

from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption, MachineFlags, WishFlags, with_options
from stackcheck.cli.state import State, print_document

__all__ = ["register"]

_STATUS = {"ok": 0, "impossible": 1, "unknown": 3}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resolve")(run)


@with_options(machine=MachineFlags, wishes=WishFlags)
def run(
    context: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC...", help="NAME[+BUILD][SPECIFIER], as pytorch>=2.4 or jax[cuda12]"
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
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the search, step by step, on standard error.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the plan's pins against the package index.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find the newest builds that hold on every GPU of the machine. Exit status: 0 a plan, 1 none, 3 unknown."""
    from stackcheck.cli.machines import find_machines
    from stackcheck.cli.requirements import gather_requirements
    from stackcheck.errors import InputError
    from stackcheck.render.plan import print_resolution, resolution_document
    from stackcheck.resolve.narration import Narrator
    from stackcheck.resolve.resolver import resolve
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    if verify:
        raise InputError(
            "--verify is not there yet; `uv pip compile` on the plan's install line does it by hand"
        )
    knowledge = state.knowledge()
    requirements, wishes = gather_requirements(
        specs or (), requirements_file or (), wishes, knowledge
    )
    asked = read_wishes(
        wishes.python, wishes.cuda, wishes.channel, wishes.prefer, wishes.exclude_newer
    )
    machines = find_machines(machine, knowledge, state)
    reporter = Narrator(lambda line: typer.echo(line, err=True)) if explain else None
    resolution = resolve(requirements, machines, knowledge, asked, reporter=reporter)
    if json:
        print_document(
            "resolve", {**resolution_document(resolution), "knowledge": state.horizon(knowledge)}
        )
    else:
        print_resolution(resolution, state.console())
    raise typer.Exit(_STATUS[resolution.status])

"""`stackcheck resolve`: the best plan for a machine, and what ruled out the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stackcheck.cli.options import FilesOption, JsonOption, MachineFlags, WishFlags, with_options
from stackcheck.cli.state import State, print_document

if TYPE_CHECKING:
    from stackcheck.environments.index_check import IndexCheck
    from stackcheck.model.plan import Resolution
    from stackcheck.resolve.narration import Narrator

__all__ = ["register"]

_STATUS = {"ok": 0, "impossible": 1, "unknown": 3}
_INDEX_STATUS = {"ok": 0, "differs": 1, "unresolvable": 1, "unreachable": 3}


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
    requirements_file: FilesOption = None,
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
    from stackcheck.render.plan import (
        index_document,
        print_index_check,
        print_resolution,
        resolution_document,
    )
    from stackcheck.resolve.resolver import resolve
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    knowledge = state.knowledge()
    requirements, wishes = gather_requirements(
        specs or (), requirements_file or (), wishes, knowledge
    )
    asked = read_wishes(
        wishes.python, wishes.cuda, wishes.channel, wishes.prefer, wishes.exclude_newer
    )
    machines = find_machines(machine, knowledge, state)
    reporter = _narrator() if explain else None
    resolution = resolve(requirements, machines, knowledge, asked, reporter=reporter)
    checked = _check_on_index(resolution, state) if verify else None
    if json:
        print_document(
            "resolve",
            {
                **resolution_document(resolution),
                "knowledge": state.horizon(knowledge),
                **index_document(checked),
            },
        )
    else:
        print_resolution(resolution, state.console())
        print_index_check(checked, state.console())
    raise typer.Exit(
        _STATUS[resolution.status] or (_INDEX_STATUS[checked.status] if checked else 0)
    )


def _narrator() -> Narrator:
    from stackcheck.resolve.narration import Narrator

    return Narrator(lambda line: typer.echo(line, err=True))


def _check_on_index(resolution: Resolution, state: State) -> IndexCheck | None:
    from stackcheck.environments.index_check import check_on_index
    from stackcheck.environments.tools import Tools

    if resolution.plan is None:
        return None
    state.hint("resolving the plan on the package index")
    return check_on_index(resolution.plan, Tools(quiet=True, offline=state.offline))

"""`stackcheck check`: will exactly these builds run on that machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackcheck.cli.options import FilesOption, JsonOption, MachineFlags, WishFlags, with_options
from stackcheck.cli.state import State, print_document

if TYPE_CHECKING:
    from stackcheck.environments.drift import Drift

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
    requirements_file: FilesOption = None,
    env: Annotated[
        str | None,
        typer.Option("--env", metavar="PREFIX", help="Judge what is installed in an environment."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Will exactly this run on that machine? Exit status: 0 works, 1 fails, 3 unknown."""
    from stackcheck.cli.machines import find_machines, installed_situations, probe_installed
    from stackcheck.cli.requirements import gather_requirements
    from stackcheck.errors import InputError
    from stackcheck.render.verdict import print_verdict, verdict_document
    from stackcheck.resolve.check import check, judge_installed
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    knowledge = state.knowledge()
    if env is not None and (specs or requirements_file):
        raise InputError("--env judges what is installed there; leave out the SPECs and -r")
    requirements, wishes = gather_requirements(
        specs or (), requirements_file or (), wishes, knowledge
    )
    asked = read_wishes(
        wishes.python, wishes.cuda, wishes.channel, wishes.prefer, wishes.exclude_newer
    )
    machines = find_machines(machine, knowledge, state)
    drift: tuple[Drift, ...] = ()
    if env is None:
        verdict = check(requirements, machines, knowledge, asked)
    else:
        from stackcheck.environments.drift import find_drift

        installed = probe_installed(env)
        verdict = judge_installed(installed_situations(installed, machines, knowledge))
        drift = find_drift(Path(installed.prefix), installed, machines[0])
    if json:
        document = {**verdict_document(verdict), "drift": [asdict(each) for each in drift]}
        print_document("check", {**document, "knowledge": state.horizon(knowledge)})
    else:
        print_verdict(verdict, state.console())
        for each in drift:
            typer.echo(f"  drift: {each.what} was {each.planned}, is {each.found}")
            typer.echo(f"    {each.command}")
    raise typer.Exit(_STATUS[verdict.verdict] or int(bool(drift)))

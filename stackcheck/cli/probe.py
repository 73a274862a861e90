"""`stackcheck probe`: the machine as JSON, to be judged elsewhere or later."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackcheck.cli.options import JsonOption

if TYPE_CHECKING:
    from stackcheck.cli.state import State

__all__ = ["probe", "register"]


def probe(
    context: typer.Context,
    env: Annotated[
        str | None,
        typer.Option(
            "--env", metavar="PREFIX", help="Python environment or interpreter to look at."
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="S", min=0.1, help="Seconds that probing may take."),
    ] = 30.0,
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Write to FILE, whole or not at all."),
    ] = None,
    json: JsonOption = False,  # noqa: ARG001 (it prints JSON anyway; every command takes the flag)
) -> None:
    """Print what is known of this machine; `--facts FILE` of other commands reads it."""
    state: State = context.obj
    from stackcheck.probe.facts_file import machine_document, write_machine
    from stackcheck.probe.machine import probe_machine

    machine = probe_machine(environment=env, timeout=timeout, progress=state.hint)
    if output is None or output == "-":
        typer.echo(json_module.dumps(machine_document(machine), indent=2, ensure_ascii=False))
    else:
        write_machine(machine, Path(output))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("probe")(probe)

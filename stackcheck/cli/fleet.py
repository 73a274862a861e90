"""`stackcheck fleet`: many machines, one answer."""

from __future__ import annotations

from typing import Annotated

import typer

from stackcheck.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "fleet", context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
    )(run)


def run(
    action: Annotated[str, typer.Argument(help="doctor, plan, train-smoke or manifest.")],
) -> None:
    """Many machines: not there yet. `stackcheck resolve --facts A.json --facts B.json` plans for several."""
    raise InputError(
        f"`stackcheck fleet {action}` is not there yet; gather `stackcheck probe --output FILE` from each machine and"
        " give the files to `stackcheck doctor --facts FILE` or `stackcheck resolve SPEC --facts FILE ...`"
    )

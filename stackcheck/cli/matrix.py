"""`stackcheck matrix`: the knowledge, and its check against the package index."""

from __future__ import annotations

from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.cli.state import State, print_document

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        name="matrix",
        help="The knowledge: list, show, lint, audit, refresh.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_tables)
    group.command("show")(show)
    app.add_typer(group)


def list_tables(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the tables, with the date and size of each."""
    from stackcheck.render.rows import count_rows

    state: State = context.obj
    knowledge = state.knowledge()
    counts = count_rows(knowledge)
    if json:
        print_document("matrix-list", {"as_of": knowledge.as_of.isoformat(), "tables": counts})
        return
    typer.echo(f"knowledge of {knowledge.as_of}")
    for name, count in counts.items():
        typer.echo(f"  {name:<16}{count:>6} rows")


def show(
    context: typer.Context,
    table: Annotated[
        str,
        typer.Argument(
            help="A framework, or cuda, drivers, architectures, gpus, libraries, quirks."
        ),
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Show one table: a framework's builds with their evidence, or one of NVIDIA's tables."""
    from stackcheck.errors import InputError
    from stackcheck.render.rows import TABLES, print_rows, table_document

    state: State = context.obj
    knowledge = state.knowledge()
    name = knowledge.name(table)
    key = name.framework if name else table
    if key not in TABLES and key not in knowledge.frameworks:
        known = ", ".join((*knowledge.frameworks, *TABLES))
        raise InputError(f"{table!r} is no table; there are {known}")
    if json:
        print_document("matrix-show", table_document(key, knowledge))
    else:
        print_rows(key, knowledge, state.console())

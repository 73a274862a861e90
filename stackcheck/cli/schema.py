"""`stackcheck schema`: the JSON Schemas of the documents, as they ship inside the package."""

from __future__ import annotations

import json as json_module
from importlib.resources import files
from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.errors import InputError

__all__ = ["register", "schema"]


def schema(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Document; without it the names are listed."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a document that other commands print with --json, or of a file of the matrices."""
    folder = files("stackcheck") / "schemas"
    names = sorted(
        entry.name.removesuffix(".json")
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    )
    if name is None:
        if json:
            schemas = {
                each: json_module.loads((folder / f"{each}.json").read_text("utf-8"))
                for each in names
            }
            typer.echo(json_module.dumps(schemas, indent=2))
        else:
            typer.echo("\n".join(names))
        return
    if name not in names:
        raise InputError(f"{name}: no such schema; there are {', '.join(names)}")
    typer.echo((folder / f"{name}.json").read_text("utf-8"), nl=False)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema")(schema)

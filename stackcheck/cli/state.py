"""What the global options said, and what every command does with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stackcheck import __version__
from stackcheck.errors import InputError
from stackcheck.model.record import record

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["HORIZON_DAYS", "State", "document_text", "print_document"]

HORIZON_DAYS = 92
"""Releases come every other month: knowledge older than a quarter of a year has surely missed some."""


@record(frozen=True)
class State:
    """The global options."""

    verbose: int = 0
    quiet: bool = False
    no_color: bool = False
    offline: bool = False
    matrices: str | None = None

    def knowledge(self) -> Knowledge:
        """Load the matrices, with the overlay that `--matrices` names."""
        from stackcheck.knowledge.knowledge import load

        if self.matrices and not Path(self.matrices).is_dir():
            raise InputError(f"--matrices {self.matrices}: no such directory")
        return load(Path(self.matrices) if self.matrices else None)

    def horizon(self, knowledge: Knowledge) -> dict[str, object]:
        """Return how old the knowledge is, for documents: after a quarter of a year newer releases are likely."""
        age = datetime.now(timezone.utc).date() - knowledge.as_of
        return {"as_of": knowledge.as_of.isoformat(), "horizon_exceeded": age.days > HORIZON_DAYS}

    def console(self) -> Console:
        """Make a console on standard output; colours only on a terminal."""
        from rich.console import Console

        return Console(no_color=self.no_color, highlight=False, soft_wrap=not sys.stdout.isatty())

    def hint(self, text: str) -> None:
        """Say something helpful on standard error, unless asked to be quiet."""
        if not self.quiet:
            typer.echo(text, err=True)


def document_text(schema: str, content: Mapping[str, Any]) -> str:
    """Return one JSON document as text, with the fields that every document has."""
    head = {
        "schema": f"stackcheck.{schema}/1",
        "stackcheck": __version__,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    return json.dumps({**head, **content}, indent=2, ensure_ascii=False)


def print_document(schema: str, content: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    typer.echo(document_text(schema, content))

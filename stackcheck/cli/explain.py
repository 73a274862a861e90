"""`stackcheck explain`: a code, a topic, or a pasted message."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.cli.state import State, print_document
from stackcheck.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("explain")
    def explain_command(
        context: typer.Context,
        what: Annotated[
            list[str], typer.Argument(metavar="WHAT", help="A code, a topic, a message, or - for standard input.")
        ],
        json: JsonOption = False,
    ) -> None:
        """Say what a code, a topic or a pasted message means, how to confirm it and what mends it."""
        state: State = context.obj
        text = " ".join(what)
        if text == "-":
            text = sys.stdin.buffer.read().decode("utf-8", "replace")
        if not text.strip():
            raise InputError("explain: nothing to explain, the text is empty")
        from stackcheck.diagnose.explain.entry import Catalogue
        from stackcheck.diagnose.explain.lifetimes import lifetimes_of
        from stackcheck.diagnose.explain.ranking import explain
        from stackcheck.knowledge.source import shipped

        causes = explain(text, Catalogue(shipped() / "messages"), lifetimes_of(state.knowledge()))
        print_document("explain", {"causes": [
            {"code": c.entry.code, "reason": c.entry.reason, "title": c.entry.title, "confirm": c.entry.confirm,
             "fix": c.entry.fix, "confirmed": None, "score": round(c.score, 2), "line": c.line, "excerpt": c.excerpt} for c in causes]})

"""Where a report goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

from pathlib import Path

import typer

from stackcheck.atomic import replace_file
from stackcheck.errors import InputError

__all__ = ["deliver", "write_atomically"]


def deliver(text: str, output: str | None) -> None:
    """Print the text, or write it to `output`. Raises `InputError` if that cannot be written."""
    if output is None or output == "-":
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        write_atomically(Path(output), text)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old content or the new, never half. Raises `InputError`."""
    try:
        replace_file(path, text)
    except OSError as error:
        raise InputError(f"--output {path}: {error.strerror or error}") from error

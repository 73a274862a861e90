"""The words that start StackCheck on another node."""

from __future__ import annotations

import json
import shlex
import sys

from stackcheck.errors import InputError

__all__ = ["START_HERE", "read_starter"]

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1));"
    " from stackcheck.__main__ import main; main()"
)
START_HERE = (
    *(sys.executable, "-I", "-S", "-c", _START),
    json.dumps([entry for entry in sys.path if entry]),
)
"""This very interpreter and the packages that it sees: clusters share their file systems. No directory that a user
happens to be in gets onto its path."""


def read_starter(text: str | None) -> tuple[str, ...] | None:
    """Return the words of `--stackcheck`, as a shell would part them. Raises `InputError` where it cannot."""
    if text is None:
        return None
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(f"--stackcheck {text}: {error}") from error
    if not words:
        raise InputError("--stackcheck: is empty; how is StackCheck started on a node?")
    return words

"""The application: global options, the commands by name, and how errors end."""

from __future__ import annotations

import gc
import os
import re
import sys
from importlib import import_module
from typing import Annotated

import typer

from stackcheck import __version__
from stackcheck.cli.state import State
from stackcheck.errors import InputError, StackCheckError

__all__ = ["COMMANDS", "build_app", "run"]

COMMANDS = (
    "doctor",
    "check",
    "resolve",
    "create-env",
    "train-smoke",
    "explain",
    "inspect",
    "env",
    "matrix",
    "fleet",
    "probe",
    "schema",
)
_BRIEF = {"doctor", "check", "resolve", "explain", "inspect", "probe", "schema"}
"""Commands that end before garbage matters; the others get the collector back, which `main` turned off."""
_FLAG = re.compile("-v+|--verbose|-q|--quiet|--no-color|--offline")
_VALUED = {"--matrices", "--log-file"}


def build_app(command: str | None = None) -> typer.Typer:
    """Make the application with all commands, or with the one that is about to run (start-up is felt)."""
    app = typer.Typer(
        name="stackcheck",
        help="Tells whether an NVIDIA deep-learning stack works, why not, and what would.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=command is None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_set_globals)
    for name in COMMANDS if command is None else (command,):
        module = import_module(f"stackcheck.cli.{name.replace('-', '_')}")
        module.register(app)
    return app


def _set_globals(
    context: typer.Context,
    verbose: Annotated[
        int,
        typer.Option(
            "-v", "--verbose", count=True, help="Say more; twice for tracebacks of faults of ours."
        ),
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no hints.")] = False,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="No colours (also NO_COLOR).")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no network.")] = False,
    matrices: Annotated[
        str | None,
        typer.Option("--matrices", metavar="DIR", help="Rows laid over the shipped knowledge."),
    ] = None,
    log_file: Annotated[
        str | None, typer.Option("--log-file", metavar="FILE", help="Append the log to FILE.")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"stackcheck {__version__}")
        raise typer.Exit
    context.obj = State(
        verbose, quiet, no_color or bool(os.environ.get("NO_COLOR")), offline, matrices
    )
    if log_file:
        import logging

        try:
            logging.basicConfig(
                filename=log_file, level=logging.DEBUG, format="%(asctime)s %(name)s %(message)s"
            )
        except OSError as error:
            raise InputError(f"--log-file {log_file}: {error.strerror}") from error


def _hoist_globals(arguments: list[str]) -> tuple[list[str], str | None]:
    """Return the arguments with global options first, and the command's name.

    People write `stackcheck doctor --no-color` as well as `stackcheck --no-color doctor`.
    """
    hoisted: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif _FLAG.fullmatch(word) or ("=" in word and word.partition("=")[0] in _VALUED):
            hoisted.append(word)
        elif word in _VALUED:
            hoisted += [word, *[value for value in (next(words, None),) if value is not None]]
        else:
            rest.append(word)
    return hoisted + rest, next((word for word in rest if not word.startswith("-")), None)


def run(arguments: list[str]) -> int:
    """Run one command line; return its exit status. No error leaves as a traceback."""
    arguments, command = _hoist_globals(arguments)
    if command not in _BRIEF:
        gc.enable()
    try:
        app = build_app(command if command in COMMANDS else None)
        app(arguments, standalone_mode=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except StackCheckError as error:
        for fault in error.faults if isinstance(error, InputError) else (str(error),):
            typer.echo(f"error: {fault}", err=True)
        return error.status
    except KeyboardInterrupt:
        typer.echo("error: interrupted", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 (the process boundary: no traceback reaches a user)
        return _report_fault(error, arguments)
    return 0


def _report_fault(error: Exception, arguments: list[str]) -> int:
    """Say that StackCheck itself is at fault; the traceback only to those who ask for it."""
    import traceback

    if sum(word.count("v") for word in arguments if re.fullmatch("-v+|--verbose", word)) > 1:
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = " ".join(f"{type(error).__name__}: {error}".split())
    where = f"{place.filename.rpartition(os.sep)[2]}:{place.lineno}"
    typer.echo(f"error: a fault of StackCheck itself: {what} ({where})", err=True)
    typer.echo("hint: run it again with `-vv` for the traceback, and report it", err=True)
    return 3

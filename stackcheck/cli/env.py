"""`stackcheck env`: the environments on this machine."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.cli.state import State, print_document

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.environment import Environment
    from stackcheck.model.machine import Machine

__all__ = ["register"]

NameOrPrefix = Annotated[str, typer.Argument(metavar="NAME-or-PREFIX")]


def register(app: typer.Typer) -> None:
    """Add the command and its subcommands."""
    group = typer.Typer(
        name="env",
        help="The environments on this machine.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_environments)
    group.command("show")(show)
    group.command("activate")(activate)
    group.command("remove")(remove)
    app.add_typer(group)


class _Eyes:
    """What is needed to look at environments, made once."""

    def __init__(self, state: State) -> None:
        from stackcheck.probe.host import HostReader
        from stackcheck.probe.loader import Loader
        from stackcheck.probe.machine import probe_machine
        from stackcheck.probe.system import probe_arch

        self.knowledge: Knowledge = state.knowledge()
        self.machine: Machine = probe_machine()
        self._host = HostReader.open()
        self._loader = Loader(self._host, probe_arch(self._host).peek())

    def look(self, prefix: Path) -> Environment | None:
        """Return what is installed there, from its files; None where that cannot be told."""
        from stackcheck.environments.verification import interpreter_of
        from stackcheck.errors import InputError
        from stackcheck.probe.environment import probe_environment

        try:
            inner = interpreter_of(prefix).parent.parent
            return probe_environment(self._host, self._loader, str(inner)).peek()
        except InputError:
            return None

    def judge(self, environment: Environment) -> tuple[str, list[str]]:
        """Return the verdict on this machine and its reasons."""
        from dataclasses import replace

        from stackcheck.diagnose.installed import situation_of
        from stackcheck.model.fact import Known
        from stackcheck.resolve.check import judge_installed

        if not environment.builds.peek():
            return "no framework", []
        machine = replace(self.machine, environment=Known(environment, environment.prefix))
        verdict = judge_installed([situation_of(machine, self.knowledge)])
        reasons = [finding.title for finding in verdict.violations] or list(verdict.unknown)
        return verdict.verdict, reasons


def _describe(prefix: Path, kind: str, *, ours: bool, eyes: _Eyes) -> dict[str, Any]:
    from stackcheck.environments.discovery import size_of

    environment = eyes.look(prefix)
    verdict, reasons = eyes.judge(environment) if environment else ("unknown", ["cannot be read"])
    builds = (environment.builds.peek() or ()) if environment else ()
    python = environment.python.peek() if environment else None
    return {
        "name": prefix.name,
        "prefix": str(prefix),
        "kind": kind,
        "made_by_stackcheck": ours,
        "python": str(python) if python else None,
        "frameworks": [
            {
                "framework": each.framework,
                "version": str(each.version),
                "build": each.build.peek(),
                "cuda": str(each.cuda.peek()) if each.cuda.peek() else None,
            }
            for each in builds
        ],
        "bytes": size_of(prefix),
        "verdict": verdict,
        "reasons": reasons,
    }


def _sweep(state: State) -> None:
    from stackcheck.environments.creation import sweep

    for sentence in sweep():
        state.hint(sentence)


def list_environments(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show every environment found, with frameworks, CUDA, size and verdict on this machine."""
    from stackcheck.environments.discovery import find_environments
    from stackcheck.environments.preflight import format_bytes

    state: State = context.obj
    _sweep(state)
    eyes = _Eyes(state)
    rows = [
        _describe(each.prefix, each.kind, ours=each.ours, eyes=eyes) for each in find_environments()
    ]
    if json:
        print_document(
            "env-list", {"environments": rows, "knowledge": state.horizon(eyes.knowledge)}
        )
        return
    console = state.console()
    for row in rows:
        head = f"{row['prefix']}  {row['kind']}{', ours' if row['made_by_stackcheck'] else ''}"
        console.print(
            f"{head}, Python {row['python'] or 'unknown'}, {format_bytes(row['bytes'])}",
            markup=False,
        )
        frameworks = ", ".join(_label(each) for each in row["frameworks"])
        console.print(f"    {frameworks or 'no framework'}: {row['verdict']}", markup=False)
        for reason in row["reasons"]:
            console.print(f"    {reason}", markup=False)
    if not rows:
        console.print("no environment was found", markup=False)


def _label(framework: dict[str, Any]) -> str:
    public = framework["version"].partition("+")[0]
    build = f"+{framework['build']}" if framework["build"] else ""
    return f"{framework['framework']} {public}{build}"


def show(context: typer.Context, name: NameOrPrefix, *, json: JsonOption = False) -> None:
    """Show one environment: its plan, its proofs, and how far it has drifted. Exit status: 1 if it has."""
    from stackcheck.environments.discovery import Place, find_environments, find_prefix
    from stackcheck.environments.drift import find_drift, read_memory
    from stackcheck.environments.guard import UNGUARDED
    from stackcheck.environments.register import is_ours

    state: State = context.obj
    prefix = find_prefix(name)
    memory = read_memory(prefix)
    eyes = _Eyes(state)
    known = {place.prefix: place for place in find_environments()}
    place = known.get(prefix, Place(prefix, "venv", is_ours(prefix)))
    row = _describe(prefix, place.kind, ours=place.ours, eyes=eyes)
    environment = eyes.look(prefix)
    drifts = find_drift(prefix, environment, eyes.machine) if environment else ()
    document = {
        **row,
        "created": memory["created"] if memory else None,
        "installer": memory["installer"] if memory else None,
        "plan": memory["plan"] if memory else None,
        "verified": memory["verified"] if memory else None,
        "drift": [vars(each) for each in drifts],
        "unguarded": list(UNGUARDED) if memory else None,
        "knowledge": state.horizon(eyes.knowledge),
    }
    if json:
        print_document("env-show", document)
    else:
        _print_environment(document, state)
    if drifts:
        raise typer.Exit(1)


def _print_environment(document: dict[str, Any], state: State) -> None:
    from stackcheck.environments.preflight import format_bytes

    console = state.console()

    def say(text: str) -> None:
        console.print(text, markup=False)

    say(f"{document['prefix']}  {document['kind']}, {format_bytes(document['bytes'])}")
    if document["created"]:
        say(f"  made {document['created']} by {document['installer']}")
    say(f"  Python {document['python'] or 'unknown'}")
    for framework in document["frameworks"]:
        say(f"  {_label(framework)}, CUDA {framework['cuda'] or 'none'}")
    say(f"  on this machine: {document['verdict']}")
    for reason in document["reasons"]:
        say(f"    {reason}")
    for proof in document["verified"] or ():
        say(f"  {proof['status']}: {proof['what']}: {proof['message']}")
    for each in document["drift"]:
        say(f"  drift: {each['what']} was {each['planned']}, is {each['found']}")
    for command in dict.fromkeys(each["command"] for each in document["drift"]):
        say(f"    repair: {command}")
    for sentence in document["unguarded"] or ():
        say(f"  not guarded: {sentence}")


def activate(
    context: typer.Context,
    name: NameOrPrefix,
    *,
    shell: Annotated[
        str | None, typer.Option("--shell", metavar="SHELL", help="bash, zsh, fish, csh, ...")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the lines that activate an environment: eval "$(stackcheck env activate NAME)"."""
    from stackcheck.environments.activation import activation, current_shell
    from stackcheck.environments.discovery import find_prefix

    state: State = context.obj
    prefix = find_prefix(name)
    lines = activation(prefix, shell or current_shell())
    if json:
        print_document("env-activate", {"prefix": str(prefix), "lines": lines})
        return
    for line in lines:
        typer.echo(line)
    if sys.stdout.isatty():
        state.hint(f'run it: eval "$(stackcheck env activate {shlex.quote(name)})"')


def remove(
    context: typer.Context,
    name: NameOrPrefix,
    *,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove an environment that StackCheck made, after asking."""
    from stackcheck.environments.creation import remove_environment
    from stackcheck.environments.discovery import find_prefix, size_of
    from stackcheck.environments.preflight import format_bytes
    from stackcheck.environments.register import is_ours, remove_from_register
    from stackcheck.errors import InputError

    state: State = context.obj
    _sweep(state)
    prefix = find_prefix(name)
    if not is_ours(prefix):
        raise InputError(f"{prefix}: StackCheck did not make it; remove it by the tool that did")
    size = size_of(prefix)
    if not yes:
        if not sys.stdin.isatty():
            raise InputError(f"{prefix}: nobody is here to be asked; add --yes")
        if not typer.confirm(f"remove {prefix} ({format_bytes(size)})?", err=True):
            raise InputError("not confirmed; nothing was removed")
    remove_environment(prefix)
    remove_from_register(prefix)
    if json:
        print_document("env-remove", {"prefix": str(prefix), "bytes": size})
    else:
        typer.echo(f"removed {prefix} ({format_bytes(size)})")

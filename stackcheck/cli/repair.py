"""`doctor --fix`: run the fixes that are reversible and stay inside the user's environment, one by one, if asked to.

A fix is a list of shell lines for people. Of these only `python -m pip` commands are run here, without a shell, by the
environment's own interpreter; whatever else a fix asks for (variables, root, other programs) is left to the person.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from stackcheck.errors import InputError
from stackcheck.model.diagnosis import Diagnosis
from stackcheck.model.environment import Environment
from stackcheck.model.finding import Finding

__all__ = ["repair", "runnable"]

_PIP = ("python", "-m", "pip")
_OWN_KINDS = ("venv", "conda", "uv", "pixi")


def runnable(finding: Finding, environment: Environment) -> tuple[tuple[str, ...], ...]:
    """Return the argument lists that mend a finding, empty where a person must do it."""
    if not finding.fix.reversible or finding.fix.needs_root:
        return ()
    commands = [shlex.split(command) for command in finding.fix.commands]
    if not commands or any(tuple(command[:3]) != _PIP for command in commands):
        return ()
    if any(mark in command for command in commands for mark in ("|", "||", "&&", ";", ">")):
        return ()
    return tuple(_translate(command[3:], environment) for command in commands)


def _translate(arguments: Sequence[str], environment: Environment) -> tuple[str, ...]:
    """Return pip's own command, or uv's for an environment without pip."""
    python = environment.executable.peek() or f"{environment.prefix}/bin/python"
    names = {distribution.name for distribution in environment.distributions.peek() or ()}
    if "pip" in names:
        return (python, "-m", "pip", *arguments)
    kept = [argument for argument in arguments if argument != "-y"]
    return (sys.executable, "-m", "uv", "pip", kept[0], "--python", python, *kept[1:])


def repair(diagnosis: Diagnosis, *, dry_run: bool, yes: bool, say: Callable[[str], None]) -> int:
    """Offer every fix that may be run; return how many were. Raises `InputError` where none may be.

    What is installed is written down before the first change, with the command that brings it back.
    """
    environment = _own_environment(diagnosis)
    offers = [
        (finding, commands)
        for finding in diagnosis.findings
        if (commands := runnable(finding, environment))
    ]
    if not offers:
        say("no finding has a fix that is reversible and inside the environment; see the hints")
        return 0
    done = 0
    saved = False
    for finding, commands in offers:
        say(f"{finding.code}: {finding.fix.summary}")
        for command in commands:
            say(f"    {shlex.join(command)}")
        if dry_run or not (yes or _asks("run this?")):
            continue
        if not saved:
            saved = True
            say(f"what is installed is written down in {_write_down(environment)}")
        for command in commands:
            ended = subprocess.run(command, check=False, stdout=sys.stderr)
            if ended.returncode:
                say(f"{finding.code}: ended with {ended.returncode}; nothing more is tried for it")
                break
        else:
            done += 1
    if done:
        say("run `stackcheck doctor` again to see what is left")
    return done


def _own_environment(diagnosis: Diagnosis) -> Environment:
    environment = diagnosis.machine.environment.peek()
    if environment is None or environment.kind.peek() not in _OWN_KINDS:
        raise InputError(
            "--fix: changes environments only, and this is none of the user's; name one by --env"
        )
    if not os.access(environment.prefix, os.W_OK):
        raise InputError(f"--fix: {environment.prefix} cannot be written")
    return environment


def _asks(question: str) -> bool:
    """Ask on standard error; whoever does not answer says no."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


def _write_down(environment: Environment) -> Path:
    """Write what is installed as a requirements file, and say in it how to go back."""
    from stackcheck.environments.directories import state_directory

    folder = state_directory() / "fixes"
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(
        f"{distribution.name}=={distribution.version}"
        for distribution in environment.distributions.peek() or ()
        if not distribution.conda_build.peek()
    )
    number = sum(1 for _ in folder.iterdir()) + 1
    path = folder / f"{number:04}-{Path(environment.prefix).name}.txt"
    back = shlex.join(_translate(("install", "-r", str(path)), environment))
    path.write_text("\n".join([f"# back to this: {back}", *names, ""]), encoding="utf-8")
    return path

"""The lines that activate an environment, with or without conda."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from stackcheck.environments.backends import variables_of
from stackcheck.environments.directories import MEMORY
from stackcheck.environments.drift import read_memory
from stackcheck.environments.stored_plan import load_plan
from stackcheck.environments.uv_settings import as_uv_constraint
from stackcheck.errors import InputError

__all__ = ["SHELLS", "activation", "current_shell"]

SHELLS = ("bash", "zsh", "sh", "fish", "csh", "powershell")


def current_shell() -> str:
    """Return the user's shell by its name; `bash` where nothing tells."""
    if os.name == "nt":
        return "powershell"
    name = Path(os.environ.get("SHELL") or "bash").name.replace("tcsh", "csh")
    return name if name in SHELLS else "sh"


def _assign(shell: str, name: str, value: str) -> str:
    if shell == "fish":
        return f"set -gx {name} {shlex.quote(value)}"
    if shell == "csh":
        return f"setenv {name} {shlex.quote(value)}"
    if shell == "powershell":
        return f"$env:{name} = '" + value.replace("'", "''") + "'"
    return f"export {name}={shlex.quote(value)}"


def _put_first(shell: str, folder: str) -> str:
    quoted = shlex.quote(folder)
    if shell == "fish":
        return f"set -gx PATH {quoted} $PATH"
    if shell == "csh":
        return f"setenv PATH {quoted}:$PATH"
    if shell == "powershell":
        return (
            "$env:PATH = '" + folder.replace("'", "''") + "' + [IO.Path]::PathSeparator + $env:PATH"
        )
    return f'export PATH={quoted}:"$PATH"'


def activation(prefix: Path, shell: str) -> list[str]:
    """Return the lines for a shell. Raises `InputError` for a shell that is not known.

    A venv's own script gives `deactivate`; a conda prefix needs no conda: its PATH, its variable and the scripts
    that its packages left for activation.
    """
    if shell not in SHELLS:
        raise InputError(f"--shell {shell}: there are {', '.join(SHELLS)}")
    inner = prefix / ".pixi" / "envs" / "default"
    prefix = inner if inner.is_dir() else prefix
    scripts = prefix / ("Scripts" if (prefix / "Scripts").is_dir() else "bin")
    script = {"fish": "activate.fish", "csh": "activate.csh", "powershell": "Activate.ps1"}
    own = scripts / script.get(shell, "activate")
    source = {"powershell": ".", "sh": "."}.get(shell, "source")
    lines: list[str] = []
    if (prefix / "pyvenv.cfg").is_file() and own.is_file():
        lines.append(f"{source} {shlex.quote(str(own))}")
    else:
        lines.append(_put_first(shell, str(scripts)))
        if (prefix / "conda-meta").is_dir():
            lines.append(_assign(shell, "CONDA_PREFIX", str(prefix)))
        suffix = {"fish": "fish", "csh": "csh", "powershell": "ps1"}.get(shell, "sh")
        hooks = sorted((prefix / "etc" / "conda" / "activate.d").glob(f"*.{suffix}"))
        lines += [f"{source} {shlex.quote(str(hook))}" for hook in hooks]
    memory = read_memory(prefix)
    needed = variables_of(load_plan(memory["plan"]).builds) if memory else {}
    lines += [_assign(shell, name, value) for name, value in needed.items()]
    constraints = prefix / MEMORY / "constraints.txt"
    if constraints.is_file():
        lines.append(_assign(shell, "UV_CONSTRAINT", as_uv_constraint(constraints)))
    return lines

"""The interpreter of the environment under test, and whether the frameworks are there at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stackcheck.errors import InputError
from stackcheck.model.record import record

__all__ = [
    "BACKENDS",
    "Against",
    "Interpreter",
    "find_environment",
    "find_interpreter",
    "spell_out",
]

BACKENDS = ("tensorflow", "jax", "torch")
"""Of Keras, those that train."""
_LOOK_SECONDS = 60.0
_LOOK = (
    "import importlib.util, json, sys;"
    "print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]))"
)


@record(frozen=True)
class Interpreter:
    """A Python executable, and the prefix that it was found by."""

    executable: str
    prefix: str


@record(frozen=True)
class Against:
    """The frameworks to train beside, in the environment of an interpreter."""

    interpreter: Interpreter
    frameworks: tuple[str, ...]
    modes: tuple[str, ...] = ("eager",)


def find_environment() -> str:
    """Return the environment that `doctor` would look at: `VIRTUAL_ENV`, `CONDA_PREFIX`, the first `python` on PATH."""
    from stackcheck.probe.host import HostReader
    from stackcheck.probe.interpreter import choose_interpreter

    chosen = choose_interpreter(HostReader(), None).peek()
    return sys.prefix if chosen is None else chosen.executable.peek() or chosen.prefix


def find_interpreter(
    prefix: str, frameworks: Sequence[str], beside: tuple[str, ...] = ()
) -> Interpreter:
    """Find Python in an environment (or take an executable) and see that it has the frameworks.

    A framework is its module, or `keras[jax]` with a back end, which is a module too; `beside` are modules that each
    of them needs beside itself. Raises `InputError` where there is no Python, where it does not start, or where
    modules are missing (all are named).
    """
    path = Path(prefix)
    candidates = (
        [path]
        if path.is_file()
        else [path / "bin" / "python", path / "python.exe", path / "Scripts" / "python.exe"]
    )
    executable = next(
        (str(candidate.absolute()) for candidate in candidates if candidate.is_file()), None
    )
    if executable is None:
        raise InputError(f"--env {prefix}: no Python environment or interpreter there")
    try:
        missing = _find_missing(
            executable, [*(module for name in frameworks for module in _modules(name)), *beside]
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise InputError(f"--env {prefix}: its Python does not start ({_reason(error)})") from error
    if missing:
        raise InputError(
            *(
                f"--against {name}: {' and '.join(lacking)} not installed in {prefix}; choose another by --env"
                for name in frameworks
                if (lacking := [each for each in (*_modules(name), *beside) if each in missing])
            )
        )
    return Interpreter(executable, prefix)


def _modules(framework: str) -> list[str]:
    name, _, backend = framework.partition("[")
    return [name, *([backend.rstrip("]")] if backend else [])]


def _find_missing(executable: str, modules: Sequence[str]) -> list[str]:
    looked = subprocess.run(
        [executable, "-c", _LOOK, *dict.fromkeys(modules)],
        capture_output=True,
        text=True,
        timeout=_LOOK_SECONDS,
        check=True,
    )
    missing: list[str] = json.loads(looked.stdout)
    return missing


def spell_out(interpreter: Interpreter, frameworks: Sequence[str]) -> tuple[str, ...]:
    """Put every back end that is installed in place of a bare `keras`, or the one that `KERAS_BACKEND` names."""
    if "keras" not in frameworks:
        return tuple(frameworks)
    chosen = os.environ.get("KERAS_BACKEND")
    missing = _find_missing(interpreter.executable, BACKENDS)
    backends = [chosen] if chosen else [name for name in BACKENDS if name not in missing]
    keras = [f"keras[{backend}]" for backend in backends] or ["keras"]
    return tuple(
        dict.fromkeys(
            each for name in frameworks for each in (keras if name == "keras" else [name])
        )
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return (error.stderr or "").strip().rpartition("\n")[2] or f"exit status {error.returncode}"
    return str(error)

"""The interpreter of the environment under test, and whether the frameworks are there at all."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stackcheck.errors import InputError

__all__ = ["Interpreter", "find_interpreter"]

_LOOK_SECONDS = 60.0
_LOOK = (
    "import importlib.util, json, sys;"
    "print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python executable, and the prefix that it was found by."""

    executable: str
    prefix: str


def find_interpreter(prefix: str, modules: Sequence[str]) -> Interpreter:
    """Find Python in an environment (or take an executable) and see that it has the modules.

    Raises `InputError` where there is none, where it does not start, or where modules are missing (all are named).
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
        looked = subprocess.run(
            [executable, "-c", _LOOK, *modules],
            capture_output=True,
            text=True,
            timeout=_LOOK_SECONDS,
            check=True,
        )
        missing = json.loads(looked.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise InputError(f"--env {prefix}: its Python does not start ({_reason(error)})") from error
    if missing:
        raise InputError(*(f"--against {name}: not installed in {prefix}" for name in missing))
    return Interpreter(executable, prefix)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return (error.stderr or "").strip().rpartition("\n")[2] or f"exit status {error.returncode}"
    return str(error)

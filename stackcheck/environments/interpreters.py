"""Python interpreters on this machine, to make environments of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from stackcheck.errors import StackCheckError

__all__ = ["NoInterpreter", "available_pythons", "find_python"]


_OWN = Path(getattr(sys, "_base_executable", sys.executable))
_OWN_MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


class NoInterpreter(StackCheckError):
    """No interpreter of the plan's Python is here."""


def _candidates(minor: str) -> Iterator[Path]:
    """Yield where a Python of that minor version may be.

    In this order: the one that runs us, PATH, pyenv's, uv's own downloads. pyenv's shims are left out: each takes
    tenths of a second to say which interpreter it means.
    """
    if minor == _OWN_MINOR:
        yield _OWN
    folders = [
        folder
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        if folder and not folder.rstrip("/\\").endswith("shims")
    ]
    if found := shutil.which(f"python{minor}", path=os.pathsep.join(folders)):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted((pyenv / "versions").glob(f"{minor}.*/bin/python"), reverse=True)
    managed = os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python"
    yield from sorted(Path(managed).glob(f"cpython-{minor}.*/bin/python{minor}"), reverse=True)


def _minor_of(executable: Path) -> str:
    """Ask an interpreter for its minor version and whether it can make environments; empty if it cannot."""
    if executable == _OWN:
        return _OWN_MINOR if find_spec("venv") is not None else ""
    program = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(executable), "-I", "-c", program],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


@cache
def find_python(minor: str) -> Path:
    """Return an interpreter of that minor version (`3.12`). Raises `NoInterpreter`."""
    for candidate in _candidates(minor):
        if _minor_of(candidate) == minor:
            return candidate
    raise NoInterpreter(
        f"no Python {minor} on this machine: install it (`uv python install {minor}`), "
        "or ask for another with `--python`"
    )


def available_pythons() -> list[str]:
    """Return the minor versions that `find_python` would find, newest first, told from names alone."""
    found = {_OWN_MINOR}
    for minor in range(6, sys.version_info[1] + 8):
        name = f"3.{minor}"
        if any(candidate.exists() for candidate in _candidates(name)):
            found.add(name)
    return sorted(
        found, key=lambda text: [int(part) for part in re.findall(r"\d+", text)], reverse=True
    )

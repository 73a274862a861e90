"""The interpreter that the engine runs in: this one, or a private one that has the CuPy which this one lacks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from stackcheck.model.record import record

__all__ = ["Home", "here", "lend_packages"]

_PACKAGES = ("stackcheck", "stackgrad")


@record(frozen=True)
class Home:
    """An interpreter for the worker, and the folders in which it finds StackCheck and the engine."""

    executable: str
    path: tuple[str, ...]

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join(self.path)}


def here() -> Home:
    """Return this interpreter: the worker imports what this process would, from wherever that came."""
    return Home(sys.executable, tuple(path for path in sys.path if path))


@contextmanager
def lend_packages(executable: str) -> Iterator[Home]:
    """Let another interpreter import StackCheck and the engine, and nothing else that lies beside them here."""
    with TemporaryDirectory(prefix="stackcheck-home-") as name:
        for package in _PACKAGES:
            spec = find_spec(package)
            if spec is None or spec.origin is None:
                raise ModuleNotFoundError(f"{package} is not installed")
            own, lent = Path(spec.origin).parent, Path(name) / package
            try:
                lent.symlink_to(own, target_is_directory=True)
            except OSError:  # Windows without developer mode
                shutil.copytree(own, lent)
        yield Home(executable, (name,))

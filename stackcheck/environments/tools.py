"""Running other people's installers: argument lists, no shell, their own progress shown, their last words kept."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackcheck.environments.credentials import hide_credentials
from stackcheck.environments.processes import TOKEN
from stackcheck.errors import StackCheckError

__all__ = ["ToolFailed", "Tools"]

_LAST_WORDS = 4000
_POLL_SECONDS = 0.05


class ToolFailed(StackCheckError):
    """An installer ended with an error; `words` are the last that it said."""

    def __init__(self, what: str, words: str) -> None:
        words = hide_credentials(words)
        super().__init__(f"{what}\n{words}" if words else what)
        self.words = words


@dataclass(frozen=True)
class Tools:
    """How child processes are run. `quiet` keeps their progress from the terminal, never their errors."""

    quiet: bool = False
    offline: bool = False
    token: str = ""
    """Identifier of the creation that they work for."""
    bundle: Path | None = None
    """Folder with everything already fetched, to install from without any network."""

    @property
    def shows_progress(self) -> bool:
        """Whether a person watches: then a tool draws its own bars, with their rates."""
        return not self.quiet and sys.stderr.isatty()

    def environment(self, changes: Mapping[str, str]) -> dict[str, str]:
        """Return the variables for a child: the user's own, which carry mirrors and proxies, with the changes.

        What would bend an interpreter of another environment is left out.
        """
        dropped = {
            "PYTHONHOME",
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "UV_CONSTRAINT",
            "__PYVENV_LAUNCHER__",
        }
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        if self.token:
            kept[TOKEN] = self.token
        return {**kept, **changes}

    def run(
        self,
        arguments: Sequence[str],
        *,
        what: str,
        changes: Mapping[str, str] | None = None,
        directory: Path | None = None,
        text: str | None = None,
        watch: Callable[[], object] | None = None,
    ) -> str:
        """Run to the end; return standard output. `what` begins the message of `ToolFailed`.

        `watch` is called every now and then while it runs.
        """
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
            try:
                child = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
                    stdout=told,
                    stderr=None if self.shows_progress else said,
                    env=self.environment(changes or {}),
                    cwd=directory,
                )
            except OSError as error:
                raise ToolFailed(
                    f"{what}: {arguments[0]} cannot be run ({error.strerror})", ""
                ) from error
            try:
                if text is not None and child.stdin is not None:
                    child.stdin.write(text.encode())
                    child.stdin.close()
                _wait(child, watch)
            except BaseException:
                child.kill()
                child.wait()
                raise
            told.seek(0)
            output = told.read().decode(errors="replace")
            if child.returncode:
                said.seek(0)
                words = said.read().decode(errors="replace").strip() or output.strip()
                raise ToolFailed(f"{what} (exit status {child.returncode})", words[-_LAST_WORDS:])
            return output


def _wait(child: subprocess.Popen[bytes], watch: Callable[[], object] | None) -> None:
    if watch is None:
        child.wait()
        return
    while True:
        watch()
        try:
            child.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return

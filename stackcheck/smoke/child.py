"""A child process that is watched: its lines as they come, a deadline on each wait, and its end in every case."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, cast

from stackcheck.exit_status import signal_name

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Child", "ChildEnded", "ChildHung"]

_GRACE_SECONDS = 5.0
_LAST_LINES = 40


class ChildEnded(Exception):
    """It closed its output; `describe` says how it ended."""


class ChildHung(Exception):
    """It said nothing until the deadline."""


class Child:
    """Runs a command in a session of its own, with its input held open until `close`.

    A child that must be killed is not waited for longer than a moment: one that hangs in a driver cannot be.
    """

    def __init__(
        self,
        command: Sequence[str],
        first_input: str,
        *,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._process: subprocess.Popen[str] = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=None if variables is None else dict(variables),
            start_new_session=sys.platform != "win32",
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        self._input, self._output, self._errors = (cast("IO[str]", stream) for stream in streams)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._complaints: deque[str] = deque(maxlen=_LAST_LINES)
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        with suppress(BrokenPipeError):  # it has ended already, which reading its output will tell
            self._input.write(first_input)
            self._input.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> None:
        for line in self._output:
            self._lines.put(line)
        self._lines.put(None)

    def _listen(self) -> None:
        for line in self._errors:
            self._complaints.append(line.rstrip())

    def read_line(self, deadline: float) -> str:
        """Return the next line of output; `deadline` is on the clock of `time.monotonic`.

        Raises `ChildHung` at the deadline and `ChildEnded` at the end of the output.
        """
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise ChildHung from None
        if line is None:
            raise ChildEnded
        return line

    @property
    def complaints(self) -> list[str]:
        """The last lines that it wrote to standard error."""
        return list(self._complaints)

    def describe_end(self) -> str:
        """Say how it ended: `exit status 1`, or `killed by SIGSEGV`."""
        try:
            status = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its output without ending"
        self._readers[1].join(1.0)
        if status >= 0:
            return f"ended with exit status {status}"
        return f"was killed by {signal_name(status)}"

    def close(self) -> None:
        """Close its input; end it and all that it started unless it has ended by then. Never raises."""
        with suppress(OSError):
            self._input.close()
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return  # in uninterruptible sleep: its streams are left to it
        for reader in self._readers:
            reader.join(_GRACE_SECONDS)
        self._output.close()
        self._errors.close()

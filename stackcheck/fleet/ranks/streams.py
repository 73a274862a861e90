"""Processes that are watched together: their lines in the order in which they come, and how each ended."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING, Literal, cast

from stackcheck.exit_status import signal_name
from stackcheck.model.record import record

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Line", "Streams"]

_GRACE_SECONDS = 3.0
_LONGEST_LINE = 1 << 20


@record(frozen=True)
class Line:
    """What one process wrote, or how it ended (`exit status 1`, `killed by SIGKILL`; empty for 0)."""

    process: int
    channel: Literal["output", "errors", "end"]
    text: str


class Streams:
    """Runs commands side by side, each in a session of its own, and ends all of them in every case."""

    def __init__(
        self, commands: Sequence[Sequence[str]], variables: Sequence[Mapping[str, str]]
    ) -> None:
        self._lines: queue.Queue[Line] = queue.Queue()
        self._processes: list[subprocess.Popen[str]] = []
        try:
            for command, own in zip(commands, variables, strict=True):
                self._start(command, own)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
            start_new_session=sys.platform != "win32",
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        index = len(self._processes)
        self._processes.append(process)
        readers = [
            threading.Thread(target=self._read, args=(index, channel, stream), daemon=True)
            for channel, stream in (("output", process.stdout), ("errors", process.stderr))
        ]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._wait, args=(index, readers), daemon=True).start()

    def _read(self, index: int, channel: Literal["output", "errors"], stream: IO[str]) -> None:
        while text := stream.readline(_LONGEST_LINE):
            self._lines.put(Line(index, channel, text.rstrip("\n")))

    def _wait(self, index: int, readers: Sequence[threading.Thread]) -> None:
        status = self._processes[index].wait()
        for reader in readers:  # a grandchild may hold the pipe open
            reader.join(_GRACE_SECONDS)
        self._lines.put(Line(index, "end", _describe(status)))

    def next_line(self, deadline: float) -> Line | None:
        """Return the next line, None at the deadline (on the clock of `time.monotonic`)."""
        with suppress(queue.Empty):
            return self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        return None

    def close(self) -> None:
        """End every process and what it started: asked first, so that a launcher takes its tasks along, then killed."""
        for ask in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            for process in self._processes:
                if process.poll() is None:
                    _signal(process, ask)
            until = time.monotonic() + _GRACE_SECONDS
            for process in self._processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, until - time.monotonic()))
        for process in self._processes:
            if process.poll() is not None:
                for stream in (process.stdout, process.stderr):
                    with suppress(OSError, ValueError):
                        cast("IO[str]", stream).close()


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}" if status else ""
    return f"killed by {signal_name(status)}"

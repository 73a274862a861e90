"""Processes on this machine: whether one still runs, and ending those that a dead run left behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["TOKEN", "end_orphans", "is_alive", "start_time"]

TOKEN = "STACKCHECK_CREATION"  # noqa: S105 (a variable's name, no secret)
"""Environment variable that every child of a creation carries, with the creation's identifier."""


def start_time(process: int) -> str:
    """Return when a process started, as its kernel counts; empty where that cannot be told.

    A process id comes back after a while; the id and the start time together do not.
    """
    with suppress(OSError, IndexError):
        text = Path(f"/proc/{process}/stat").read_text()
        return text.rpartition(")")[2].split()[19]
    return ""


def is_alive(process: int, started: str) -> bool:
    """Whether that very process still runs."""
    if sys.platform == "win32":  # os.kill would end it there; the file lock alone has to tell
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not started or start_time(process) in ("", started)


def _carriers(token: str) -> list[int]:
    """Return the processes of this user that carry the token. Linux only; elsewhere none is found."""
    wanted = f"{TOKEN}={token}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in entry.read_bytes().split(b"\0") and int(entry.parent.name) != os.getpid():
                found.append(int(entry.parent.name))
    return found


def end_orphans(token: str, patience: float = 5.0) -> None:
    """End what a killed run left running (an installer outlives its parent): SIGTERM, then SIGKILL."""
    deadline = time.monotonic() + patience
    kind: signal.Signals = signal.SIGTERM
    while orphans := _carriers(token):
        for orphan in orphans:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(orphan, kind)
        if time.monotonic() > deadline:
            if kind == signal.SIGTERM:
                kind, deadline = signal.Signals["SIGKILL"], time.monotonic() + patience
            else:
                return
        time.sleep(0.05)

"""Many processes at once, each with a deadline; what they say is bounded, and each is handed over as it ends."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from stackcheck.model.record import record

__all__ = ["OUTPUT_MAX", "Ended", "race"]

OUTPUT_MAX = 32 << 20
"""Bytes that are kept of a process's standard output: no machine's facts are that large."""
_TAIL_MAX = 4096
_GRACE_SECONDS = 3.0
_CHUNK = 1 << 16


@record(frozen=True)
class Ended:
    """One process that is over."""

    key: str
    status: int | None
    """Exit status, negative for a signal; None where it was ended at its deadline."""
    output: bytes
    error: str
    """The end of what it said on standard error."""


@dataclass
class _Running:
    key: str
    process: subprocess.Popen[bytes]
    deadline: float
    output: bytearray = field(default_factory=bytearray)
    error: bytearray = field(default_factory=bytearray)
    streams: int = 2
    asked: bool = False
    """Its time is up and it was asked to end."""
    killed: bool = False

    def signal(self, kind: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, kind)


def race(
    commands: Mapping[str, Sequence[str]], seconds: float, *, width: int = 64
) -> Iterator[Ended]:
    """Run every command, at most `width` at once, and yield each as it ends; POSIX only.

    A command that runs longer than `seconds` is asked to end and killed soon after. Where the iterator is closed
    early, all that still run are killed. What cannot be started ends with status 127.
    """
    waiting = deque(commands.items())
    running: dict[int, _Running] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < width:
                    key, arguments = waiting.popleft()
                    try:
                        started = _start(key, arguments, seconds)
                    except OSError as error:
                        yield Ended(key, 127, b"", f"{arguments[0]}: {error.strerror}")
                        continue
                    running[started.process.pid] = started
                    for stream in (started.process.stdout, started.process.stderr):
                        if stream is not None:
                            selector.register(stream, selectors.EVENT_READ, started)
                for ready, _ in selector.select(_patience(running.values())):
                    _read(selector, ready)
                for each in [each for each in running.values() if _is_over(each)]:
                    del running[each.process.pid]
                    _forget(selector, each)
                    status = None if each.asked else each.process.wait()
                    if each.asked:
                        _reap(each.process)
                    error_tail = each.error.decode(errors="replace").strip()
                    yield Ended(each.key, status, bytes(each.output), error_tail)
        finally:
            for each in running.values():
                each.signal(signal.SIGKILL)
                _forget(selector, each)
                _reap(each.process)


def _start(key: str, arguments: Sequence[str], seconds: float) -> _Running:
    process = subprocess.Popen(
        list(arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    return _Running(key, process, time.monotonic() + seconds)


def _patience(running: Iterable[_Running]) -> float:
    """Return how long to wait for output before the processes themselves are looked at again."""
    now = time.monotonic()
    ends = (0.01 if each.streams == 0 else each.deadline - now for each in running)
    return max(0.0, min(ends, default=0.0))


def _read(selector: selectors.BaseSelector, ready: selectors.SelectorKey) -> None:
    each: _Running = ready.data
    data = os.read(ready.fd, _CHUNK)
    if not data:
        selector.unregister(ready.fileobj)
        each.streams -= 1
    elif ready.fileobj is each.process.stdout:
        if len(each.output) + len(data) > OUTPUT_MAX:
            each.signal(signal.SIGKILL)
        else:
            each.output += data
    else:
        each.error = (each.error + data)[-_TAIL_MAX:]


def _is_over(each: _Running) -> bool:
    """Tell whether a process is done with, after ending it where its time is up."""
    ended = each.process.poll() is not None
    if ended and each.streams == 0:
        return True
    if time.monotonic() < each.deadline:
        return False
    if (
        ended or each.killed
    ):  # a child of its own may hold its output open, or the kernel the process
        return True
    each.signal(signal.SIGKILL if each.asked else signal.SIGTERM)
    each.killed = each.asked
    each.asked = True
    each.deadline = time.monotonic() + _GRACE_SECONDS
    return False


def _forget(selector: selectors.BaseSelector, each: _Running) -> None:
    for stream in (each.process.stdout, each.process.stderr):
        if stream is not None:
            with suppress(KeyError, ValueError):
                selector.unregister(stream)
            stream.close()


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Take a killed process off the table; one that the kernel holds is left to it."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE_SECONDS)

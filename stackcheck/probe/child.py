"""Drives the child process: a deadline, what came is kept, and one more start without the call that stopped it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackcheck.model.record import record
from stackcheck.probe.host import HostReader
from stackcheck.probe.report import NOT_LOADED

__all__ = ["Answer", "Answers", "GpuChild"]

Progress = Callable[[str], None]

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]);"
    " from stackcheck.probe.gpu_child import main; main(sys.argv[1])"
)
"""Started with the parent's own path and without the site module: quicker, and a user's ./ctypes.py stays out."""
_NODES = ("/dev/nvidiactl", "/dev/nvidia-uvm")
"""Nodes that may be opened without waking a GPU."""
_LINE_MAX = 1 << 20
_SECOND_RUN_SECONDS = 10.0
_QUIET_SECONDS = 2.0
"""After this much waiting the user is told what is being waited for."""


@record(frozen=True)
class Answer:
    """What one call returned."""

    code: int
    value: Any = None


@dataclass
class Answers:
    """All that the child told, by call and GPU (None for the system), and what went wrong on the way."""

    calls: dict[tuple[str, int | None], Answer] = field(default_factory=dict)
    stopped: dict[tuple[str, int | None], str] = field(default_factory=dict)
    """Calls that hung or crashed, with the words for it."""
    reason: str = ""
    """Why calls are missing that nobody stopped in; empty if the child came to its end."""

    def get(self, call: str, gpu: int | None = None) -> Answer | None:
        """Return what a call answered, None if it did not."""
        return self.calls.get((call, gpu))

    def why_missing(self, call: str, gpu: int | None = None) -> str:
        """Say why a call has no answer: it hung, an earlier one did, or NVML did not start."""
        begun = self.calls.get(("init", None))
        if begun is not None and begun.code == NOT_LOADED:
            never = str(begun.value or "no libnvidia-ml.so.1 in LD_LIBRARY_PATH")
        elif begun is not None and begun.code:
            never = f"NVML did not start: error {begun.code}"
        else:
            never = "was not asked"
        return self.stopped.get((call, gpu)) or self.reason or never


class GpuChild:
    """One running child. Made first and collected last, so that it works while the host is read."""

    def __init__(self, host: HostReader, timeout: float, progress: Progress | None = None) -> None:
        self._timeout = timeout
        self._progress = progress
        self._libraries = _libraries(host)
        self._answers = Answers()
        self._begun: tuple[str, int | None] | None = None
        self._run = _Run(self._libraries, timeout)

    def collect(self) -> Answers:
        """Wait for the child until its deadline; where it hung or crashed, start it once more.

        The second run has half the time, but never less than ten seconds or the whole.
        """
        if self._finish(self._run):
            return self._answers
        stopped = self._begun
        if stopped is None:
            return self._answers
        last = [stopped[1]] if stopped[1] is not None else []
        seconds = min(self._timeout, max(self._timeout / 2, _SECOND_RUN_SECONDS))
        again = _Run(self._libraries, seconds, skip=[stopped], last=last)
        reason = self._answers.reason
        self._answers.reason = ""
        if self._finish(again) or self._begun is None:
            return self._answers
        self._answers.reason = reason
        return self._answers

    def abandon(self) -> None:
        """Kill the child without asking for what it has to say."""
        self._run.abandon()

    def _finish(self, run: _Run) -> bool:
        """Take everything that a run tells; true if it came to its end."""
        self._begun = None
        told = self._progress is None
        while True:
            try:
                line = run.next_line(None if told else _QUIET_SECONDS)
            except queue.Empty:
                if not told and self._progress and not run.is_over:
                    told = True
                    self._progress(f"waiting for the driver ({self._name()})")
                    continue
                self._stop(run, f"no answer within {run.seconds:g} s")
                return False
            if line is None:
                self._stop(run, run.how_it_ended())
                return False
            if self._take(line):
                run.release()
                return True

    def _stop(self, run: _Run, reason: str) -> None:
        if self._begun is not None:
            self._answers.stopped[self._begun] = reason
        self._answers.reason = f"the probe ended before: {self._name()}: {reason}"
        run.abandon()

    def _name(self) -> str:
        if self._begun is None:
            return "start"
        call, gpu = self._begun
        return call if gpu is None else f"{call} of GPU {gpu}"

    def _take(self, line: bytes) -> bool:
        """Take one line; true at the end. What is no record of ours is passed over."""
        try:
            record = json.loads(line)
        except ValueError:
            return False
        if not isinstance(record, dict):
            return False
        if record.get("end"):
            return True
        gpu = record.get("gpu")
        if not (gpu is None or isinstance(gpu, int)):
            return False
        if isinstance(record.get("begin"), str):
            self._begun = (record["begin"], gpu)
        elif isinstance(record.get("call"), str) and isinstance(record.get("code"), int):
            self._answers.calls[record["call"], gpu] = Answer(record["code"], record.get("value"))
            self._begun = None
        return False


class _Run:
    """One start of the child: its own session, a reader thread, a deadline."""

    def __init__(
        self,
        libraries: Mapping[str, Any],
        seconds: float,
        skip: Iterable[tuple[str, int | None]] = (),
        last: Iterable[int] = (),
    ) -> None:
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        request = json.dumps({**libraries, "skip": list(skip), "last": list(last)})
        path = json.dumps([entry for entry in sys.path if entry])
        windows = sys.platform == "win32"
        self.fault = ""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, request, path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=not windows,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        except (OSError, RuntimeError) as error:  # a limit on processes or threads, no interpreter
            self.fault = f"could not be started: {error}"
            self._lines.put(None)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None:
            with process.stdout as stream, contextlib.suppress(OSError, ValueError):
                while line := stream.readline(_LINE_MAX):
                    self._lines.put(line)
        self._lines.put(None)

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._deadline

    def next_line(self, at_most: float | None) -> bytes | None:
        """Return the next line, None at the end. Raises `queue.Empty` at the deadline, or after `at_most` seconds."""
        left = self._deadline - time.monotonic()
        if at_most is not None:
            left = min(left, at_most)
        if left <= 0:
            return self._lines.get_nowait()
        return self._lines.get(timeout=left)

    def how_it_ended(self) -> str:
        """Say what became of a child whose output has ended before its time."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=1)
        return self.fault or f"crashed the probe (exit status {code})"

    def release(self) -> None:
        """Let go of a child that said all: it is ending by itself."""
        self._reap()

    def abandon(self) -> None:
        """Kill the child and do not wait for it: a sick driver may hold it in uninterruptible sleep."""
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, 9)
        self._reap()

    def _reap(self) -> None:
        if self._process is not None:
            with contextlib.suppress(RuntimeError):
                threading.Thread(target=self._process.wait, daemon=True).start()


def _libraries(host: HostReader) -> dict[str, Any]:
    """Return the libraries to load under a system root: those in LD_LIBRARY_PATH, or none; else the nodes to open."""
    if host.is_real:
        return {"nodes": list(_NODES)}
    return {
        "nvml": _in_library_path("libnvidia-ml.so.1") or False,
        "cuda": _in_library_path("libcuda.so.1") or False,
    }


def _in_library_path(soname: str) -> str | None:
    for directory in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        path = os.path.join(directory, soname)  # noqa: PTH118 (an empty entry is the current directory)
        if directory and os.path.isfile(path):  # noqa: PTH113
            return path
    return None

"""Ray from within: a process of this very Python joins the cluster and runs one pinned task per node.

It is a process of its own, since Ray prints as it likes and may wait for ever. Ray takes only drivers of its own
version and Python; `ray_jobs` asks the cluster's Python instead.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from stackcheck.errors import InputError, Undeterminable
from stackcheck.fleet.ray_records import (
    START_THERE,
    outcome_of,
    places_of,
    program_text,
    record_in,
)
from stackcheck.fleet.transport import Outcome, Place, Program

__all__ = ["RayDriver"]

_JOIN_SECONDS = 60.0
_START_SECONDS = 60.0
"""For Ray to start what was submitted and to give up on it, beside its own time."""
_REASON_MAX = 400


@dataclass
class RayDriver:
    """A cluster that this Python can join: `auto`, `HOST:PORT` or `ray://HOST:PORT`."""

    address: str
    starter: tuple[str, ...] = START_THERE
    _driver: _Driver | None = field(default=None, repr=False)

    def places(self) -> Sequence[Place]:
        """Return every node that the cluster remembers. Raises `InputError` without Ray here."""
        if find_spec("ray") is None:
            raise InputError(
                f"--ray {self.address}: this Python has no Ray; install the cluster's own version of it, or name the"
                " dashboard (http://HOST:8265), which needs none here"
            )
        self._driver = _Driver(self.address)
        record = self._driver.next_record(_JOIN_SECONDS)
        if record is None or not isinstance(record.get("nodes"), list):
            raise Undeterminable(
                f"--ray {self.address}: {self._driver.close() or 'no answer'};"
                " the dashboard (http://HOST:8265) takes any version of Ray and Python"
            )
        return places_of(record["nodes"])

    def run(self, program: Program, places: Sequence[Place]) -> Iterator[Outcome]:
        """Run one task per node; what Ray says of a node that fails becomes its row."""
        driver = self._driver
        if driver is None:
            raise Undeterminable(f"--ray {self.address}: its nodes were not asked for")
        names = {place.address: place.name for place in places}
        deadline = time.monotonic() + program.seconds + _START_SECONDS
        try:
            driver.ask(
                {
                    "nodes": list(names),
                    "arguments": [*self.starter, *program.arguments],
                    "seconds": program.seconds,
                }
            )
            while names and (record := driver.next_record(deadline - time.monotonic())):
                if str(record.get("id")) in names:
                    yield outcome_of(record, names)
                    del names[str(record["id"])]
        finally:
            said = driver.close()
        for name in names.values():
            yield Outcome(name, "timeout", detail=said or "Ray brought nothing back")


class _Driver:
    """The process that joined the cluster: records come from it, one request goes to it."""

    def __init__(self, address: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program_text(), json.dumps({"address": address})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self._records: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._said: deque[str] = deque(maxlen=50)
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            if record := record_in(line):
                self._records.put(record)
        self._records.put(None)

    def _listen(self) -> None:
        self._said.extend(line.strip() for line in self._process.stderr or ())

    def ask(self, request: dict[str, Any]) -> None:
        """Send the request; a process that is gone has said why."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{json.dumps(request)}\n")
                self._process.stdin.flush()

    def next_record(self, seconds: float) -> dict[str, Any] | None:
        """Return the next record; None at the end, or when `seconds` are over."""
        with suppress(queue.Empty):
            return self._records.get(timeout=max(0.0, seconds))
        return None

    def close(self) -> str:
        """End the process and return the last line that it said on standard error."""
        with suppress(subprocess.TimeoutExpired):
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
            self._process.wait(timeout=5)
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(timeout=5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        lines = [line for line in self._said if line]
        return lines[-1][:_REASON_MAX] if lines else ""

"""The child process that runs the stages: a request on standard input, one JSON event a line on standard output.

Started as `python -m stackcheck.smoke.worker`. It ends as soon as standard input is closed, so that it never outlives
the command, however that ended. What libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from types import ModuleType
from typing import IO, Any

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.presence import look_for_gpu
from stackcheck.smoke.request import decode_request
from stackcheck.smoke.stages import Stage, stage_named

__all__ = ["main"]

_PROGRESS_SECONDS = 0.1


class _Teller:
    """Writes events, and progress only so often that reading it costs nothing."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._told = 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if event["event"] == "progress" and event["step"] < event["steps"]:
            if now - self._told < _PROGRESS_SECONDS:
                return
            self._told = now
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()


def main() -> None:
    """Run what the request on standard input asks for."""
    tell = _Teller(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    request = decode_request(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        engine = import_module("stackgrad")
        engine.tune()
        device, refusal = _choose_device(engine, request.device)
        on_gpu = device != "cpu"
        if on_gpu:
            engine.cuda.set_device(device)
        count = engine.cuda.device_count() if on_gpu else 1
        arrays = engine.device(device).xp
        cudnn = on_gpu and arrays.convolutions is not None
        if on_gpu and not request.cudnn:
            arrays.convolutions = None
    except Exception as error:  # noqa: BLE001 (process boundary: the runner words it)
        traceback.print_exc()
        told = str(error) if isinstance(error, RuntimeError) else _word(error)
        tell({"event": "unusable", "message": _without_advice(told)})
        return
    refusal = _without_advice(refusal)
    tell({"event": "device", "device": device, "count": count, "cudnn": cudnn, "refusal": refusal})
    bench = Bench(engine, device, request.level, request.seed, request.tasks, request.seconds, tell)
    if request.jobs:
        _do_jobs(bench, request.jobs)
    for name in request.stages:
        _run_stage(bench, stage_named(name))
    tell({"event": "done"})


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _choose_device(engine: ModuleType, wanted: str) -> tuple[str, str]:
    """Return `cpu` or `cuda:N`, and why a GPU that might have been taken was not.

    Raises RuntimeError with the reason if the GPU asked for cannot be used.
    """
    if wanted != "auto":
        return str(engine.device(wanted)), ""
    try:
        return str(engine.device("cuda:0")), ""
    except RuntimeError as error:
        return "cpu", str(error) if look_for_gpu().has_gpu else ""


def _without_advice(reason: str) -> str:
    """Return the engine's reason without what it would install: which CuPy fits is known to the runner alone."""
    return reason.partition("; `pip install")[0]


def _run_stage(bench: Bench, stage: Stage) -> None:
    module, _, function = stage.function.rpartition(".")

    def run() -> Outcome:
        outcome: Outcome = getattr(import_module(f"stackcheck.smoke.stages.{module}"), function)(
            bench
        )
        return outcome

    _attempt(bench, stage.name, run)


def _do_jobs(bench: Bench, path: str) -> None:
    from stackcheck.smoke.reference import do_in_engine, read_jobs

    request = read_jobs(path)
    for job in request["jobs"]:

        def run(job: Mapping[str, Any] = job) -> Outcome:
            bench.tell({"event": "trained", "told": do_in_engine(bench, request, job)})
            return Outcome("ok")

        _attempt(bench, f"reference {job['name']}", run)


def _attempt(bench: Bench, name: str, run: Callable[[], Outcome]) -> None:
    """Run something under a name, and tell what came of it."""
    bench.tell({"event": "stage", "name": name})
    start = time.perf_counter()
    try:
        outcome = run()
    except Exception as error:  # noqa: BLE001 (process boundary: a library under test may raise anything)
        traceback.print_exc()
        outcome = Outcome("error", message=_word(error))
    seconds = time.perf_counter() - start
    bench.tell({"event": "result", "name": name, "seconds": seconds, "outcome": asdict(outcome)})


def _word(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


if __name__ == "__main__":
    main()

"""Runs the stages in a child process, starts another where a stage hangs or crashes, and collects what they say."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stackcheck.model.smoke import StageResult, TaskResult
from stackcheck.smoke.child import Child, ChildEnded, ChildHung
from stackcheck.smoke.home import Home, here
from stackcheck.smoke.request import Request, encode_request
from stackcheck.smoke.stages import stage_named

__all__ = ["EngineUnusable", "Listener", "Run", "run_stages"]

_START_SECONDS = 120.0  # CuPy's first import on a cold disk
_REFERENCE_SECONDS = 300.0


class EngineUnusable(Exception):
    """The engine cannot be imported, or the device cannot be used; the text says why."""


class Listener(Protocol):
    """Who wants to see what happens while it does."""

    def begin(self, name: str) -> None:
        """Learn that a stage begins."""

    def progress(self, event: Mapping[str, Any]) -> None:
        """Learn of a training's step: `task`, `step`, `steps`, `loss`, `rate`."""

    def finish(self, result: StageResult) -> None:
        """Learn what a stage showed."""


@dataclass
class Run:
    """What the child processes told."""

    device: str = ""
    device_count: int = 1
    """GPUs that the engine can use, 1 on the CPU."""
    has_cudnn: bool = False
    """Whether the engine uses cuDNN there."""
    refusal: str = ""
    """Why the GPU of the machine was not taken, where it was not."""
    stages: list[StageResult] = field(default_factory=list)
    tasks: list[TaskResult] = field(default_factory=list)
    trained: list[Mapping[str, Any]] = field(default_factory=list)
    """What was told of each job, as the programs in other interpreters tell it."""
    notes: list[str] = field(default_factory=list)


def run_stages(request: Request, listener: Listener, home: Home | None = None) -> Run:
    """Run all stages of the request, or its jobs.

    A stage that hangs or takes its process down gets an error that says so, and the stages after it run in a new
    process. Raises `EngineUnusable`.
    """
    run = Run()
    home = home or here()
    left = request.stages
    while True:
        broken = _run_child(request.restart_with(left), run, listener, home)
        if broken is None:
            return run
        left = left[left.index(broken) + 1 :] if broken in left else ()
        if not left:
            return run


def _run_child(request: Request, run: Run, listener: Listener, home: Home) -> str | None:
    """Run until the child is done; return the name of the stage that it did not survive, if any."""
    stage = ""
    begun = time.monotonic()
    deadline = begun + _START_SECONDS
    command = (home.executable, "-m", "stackcheck.smoke.worker")
    with Child(command, encode_request(request) + "\n", variables=home.variables) as child:
        while True:
            try:
                event: dict[str, Any] = json.loads(child.read_line(deadline))
            except ChildHung:
                fault = f"gave no answer within {time.monotonic() - begun:.0f} s and was ended"
            except ChildEnded:
                fault = f"the process {child.describe_end()}"
                if last := [line for line in child.complaints if line.strip()][-1:]:
                    fault += f" ({last[0].strip()})"
            else:
                kind = event["event"]
                if kind == "done":
                    return None
                if kind == "stage":
                    stage = event["name"]
                    begun = time.monotonic()
                    deadline = begun + _deadline_of(stage, request)
                    listener.begin(stage)
                else:
                    _note(event, run, listener)
                continue
            if not stage:
                raise EngineUnusable(f"engine: {fault}")
            seconds = time.monotonic() - begun
            result = StageResult(stage, _layer_of(stage), "error", seconds=seconds, message=fault)
            run.stages.append(result)
            listener.finish(result)
            return stage


def _note(event: Mapping[str, Any], run: Run, listener: Listener) -> None:
    match event["event"]:
        case "device":
            run.device, run.device_count = event["device"], event["count"]
            run.refusal, run.has_cudnn = event["refusal"], event["cudnn"]
        case "unusable":
            raise EngineUnusable(event["message"])
        case "progress":
            listener.progress(event)
        case "trained":
            run.trained.append(event["told"])
        case "note":
            run.notes.append(event["text"])
        case "result":
            result, tasks = _read_result(event)
            run.stages.append(result)
            run.tasks += tasks
            listener.finish(result)


def _read_result(event: Mapping[str, Any]) -> tuple[StageResult, list[TaskResult]]:
    outcome = dict(event["outcome"])
    tasks = [
        TaskResult(**{**task, "losses": tuple(task["losses"])}) for task in outcome.pop("tasks")
    ]
    value, reference = outcome["value"], outcome["reference"]
    share = value / reference if value is not None and reference else None
    name = event["name"]
    result = StageResult(
        name, _layer_of(name), share_of_reference=share, seconds=event["seconds"], **outcome
    )
    return result, tasks


def _layer_of(name: str) -> str:
    return "autograd" if name.startswith("reference ") else stage_named(name).layer


def _deadline_of(name: str, request: Request) -> float:
    if request.timeout:
        return request.timeout + (request.seconds if name == "burn-in" else 0.0)
    if name.startswith("reference "):
        return _REFERENCE_SECONDS
    deadline = stage_named(name).deadline_seconds
    return deadline + request.seconds if name == "burn-in" else deadline

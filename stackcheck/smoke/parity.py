"""Comparison with frameworks: the same models from the same weights on the same batches in their interpreter."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from stackcheck.model.smoke import ParityResult, StageResult, StageStatus
from stackcheck.smoke.child import Child, ChildEnded, ChildHung
from stackcheck.smoke.interpreter import Interpreter
from stackcheck.smoke.recipe import ASKED_FROM, HEADS, MOMENTUM, RATE
from stackcheck.smoke.request import Request
from stackcheck.smoke.runner import Listener, run_stages
from stackcheck.smoke.trajectory import Trajectory, compare_trajectories

__all__ = ["TOLERANCE", "Comparison", "compare_frameworks"]

TOLERANCE = 1e-4
"""Relative, of a loss in float32."""
_START = (
    "import sys; exec(compile(sys.stdin.read(int(sys.stdin.readline())), '<stackcheck>', 'exec'))"
)
"""Runs a program of a stated length from standard input and leaves that open, so that its end can be noticed."""
_LOAD_SECONDS = 180.0
_TASK_SECONDS = 240.0
_OWN = ("torch_cuda", "torch_cpu", "_xla", "tensorflow_cc", "_pywrap_tensorflow", "paddle", "mxnet")
_LIBRARIES = (
    ("conv", ("cudnn", "dnnl", *_OWN)),
    ("", ("cublas", "mkl", *_OWN)),
)
"""By the beginning of a parameter's name, which loaded library computes it, the likeliest first."""


@dataclass(frozen=True)
class Comparison:
    """What to compare: the same tasks, seed and steps in each framework and mode."""

    interpreter: Interpreter
    frameworks: tuple[str, ...]
    modes: tuple[str, ...]
    tasks: tuple[str, ...]
    steps: int
    seed: int
    device: str
    """`cpu`, `auto` or `cuda:N`, for the frameworks; the reference is computed on the CPU."""
    expect_gpu: bool
    """Whether computing on the CPU is a silent fallback."""
    timeout: float = 0.0
    """Seconds until the next answer must come; 0 for the usual ones."""


def compare_frameworks(comparison: Comparison, listener: Listener) -> tuple[ParityResult, ...]:
    """Train the reference, then each framework beside it. Raises `EngineUnusable` if the engine does not start."""
    results: list[ParityResult] = []
    with tempfile.TemporaryDirectory(prefix="stackcheck-parity-") as folder:
        request = Request(
            seed=comparison.seed, tasks=comparison.tasks, steps=comparison.steps, trajectory=folder
        )
        run = run_stages(request, listener)
        missing = {
            stage.name.removeprefix("reference "): stage.message
            for stage in run.stages
            if stage.status != "ok"
        }
        tasks = tuple(task for task in comparison.tasks if task not in missing)
        for framework in comparison.frameworks:
            for mode in comparison.modes:
                listener.begin(f"{framework} {mode}")
                found = list(
                    _compare_one(replace(comparison, tasks=tasks), framework, mode, Path(folder))
                )
                found += [
                    ParityResult(
                        framework, task, mode, None, None, "unknown", message=f"no reference: {why}"
                    )
                    for task, why in missing.items()
                ]
                results += found
                worst: StageStatus = (
                    "error" if any(result.status == "error" for result in found) else "ok"
                )
                seconds = sum(result.seconds for result in found)
                listener.finish(
                    StageResult(f"{framework} {mode}", "framework", worst, seconds=seconds)
                )
    return tuple(results)


def _program(framework: str) -> str:
    payload = files("stackcheck") / "payload"
    parts = [
        (payload / f"train_{part}.py").read_text(encoding="utf-8")
        for part in ("protocol", framework)
    ]
    return "\n".join([*parts, "run(load)", ""])


def _compare_one(
    comparison: Comparison, framework: str, mode: str, folder: Path
) -> Iterator[ParityResult]:
    """Train in one framework and mode; yields one result for each task, whatever happens there."""
    output = f"{framework}.{mode}"
    request = {
        "folder": str(folder), "output": output, "tasks": comparison.tasks, "mode": mode, "rate": RATE,
        "momentum": MOMENTUM, "heads": HEADS, "asked_from": ASKED_FROM, "device": comparison.device,
    }  # fmt: skip
    place = folder / f"{output}.json"
    place.write_text(json.dumps(request), encoding="utf-8")
    program = _program(framework)
    command = (comparison.interpreter.executable, "-c", _START, str(place))
    variables = _variables(comparison.device)
    left = list(comparison.tasks)
    version = ""

    def blank(task: str) -> ParityResult:
        return ParityResult(
            framework, task, mode, None, None, "error", version, tolerance=TOLERANCE,
            steps=comparison.steps, prefix=comparison.interpreter.prefix,
        )  # fmt: skip

    with Child(command, f"{len(program)}\n{program}", folder=folder, variables=variables) as child:
        for told in _listen(child, comparison.timeout):
            if "version" in told:
                version = told["version"]
            elif "task" in told:
                left.remove(told["task"])
                yield _judge(blank(told["task"]), told, folder, expect_gpu=comparison.expect_gpu)
            else:
                yield from (replace(blank(task), message=told["failed"]) for task in left)
                return
            if not left:
                return


def _listen(child: Child, timeout: float) -> Iterator[Mapping[str, Any]]:
    """Yield what the program tells, and last of all `failed` if it hangs or ends."""
    deadline = time.monotonic() + (timeout or _LOAD_SECONDS)
    while True:
        try:
            told = json.loads(child.read_line(deadline))
        except ChildHung:
            fault = "gave no answer until its deadline and was ended"
        except ChildEnded:
            last = [line for line in child.complaints if line.strip()][-1:]
            fault = f"the process {child.describe_end()}" + (
                f" ({last[0].strip()})" if last else ""
            )
        except ValueError:
            fault = "said something that is not JSON"
        else:
            yield told
            deadline = time.monotonic() + (timeout or _TASK_SECONDS)
            continue
        yield {"failed": fault}
        return


def _variables(device: str) -> Mapping[str, str]:
    """Return the environment as it is, without what would make the comparison another one."""
    variables = dict(os.environ)
    variables.pop("PYTHONHOME", None)
    variables |= {
        "NVIDIA_TF32_OVERRIDE": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if device == "cpu":
        variables["CUDA_VISIBLE_DEVICES"] = "-1"
    return variables


def _judge(
    blank: ParityResult, told: Mapping[str, Any], folder: Path, *, expect_gpu: bool
) -> ParityResult:
    """Compare one task with the reference; `blank` says which it is."""
    if "failed" in told:
        return replace(blank, message=told["failed"])
    task = blank.task
    ours, pace = _load(folder / f"reference.{task}.npz")
    theirs, _ = _load(folder / f"{blank.framework}.{blank.mode}.{task}.npz")
    difference = compare_trajectories(ours, replace(theirs, losses=told["losses"]), TOLERANCE)
    placement = str(told["placement"]).lower()
    library = "" if difference.step is None else _blame(difference.parameter, told["libraries"])
    faults = []
    if expect_gpu and not placement.startswith("cuda"):
        faults.append(
            f"computed on {placement} although this machine has a GPU: a silent fallback to the CPU"
        )
    if difference.step is not None:
        faults.append(difference.message + (f"; computed by {library}" if library else ""))
    return replace(
        blank,
        first_difference=difference.step,
        largest_difference=difference.largest,
        status="error" if faults else "ok",
        placement=placement,
        message="; ".join(faults),
        seconds=float(told["seconds"]),
        parameter=difference.parameter,
        library=library,
        step_seconds=told["step_seconds"],
        reference_step_seconds=pace,
        memory_bytes=told["memory_bytes"],
    )


def _load(path: Path) -> tuple[Trajectory, float | None]:
    """Read what a training wrote: a trajectory (without losses if a framework wrote it) and the seconds of a step."""
    with np.load(path) as arrays:
        weights = {name: arrays[name] for name in arrays.files if "/" in name}
        losses = arrays["losses"].tolist() if "losses" in arrays.files else []
        pace = float(arrays["step_seconds"]) if "step_seconds" in arrays.files else None
        return Trajectory(losses, weights), pace


def _blame(parameter: str, libraries: Sequence[str]) -> str:
    """Return the loaded library that computes this kind of layer, empty if none is known to."""
    for prefix, names in _LIBRARIES:
        if parameter.startswith(prefix):
            for name in names:
                for path in libraries:
                    if name in Path(path).name.lower():
                        return path
    return ""

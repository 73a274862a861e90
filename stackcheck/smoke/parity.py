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
_LOAD_SECONDS = 180.0
_TASK_SECONDS = 240.0
_OWN = ("torch_cuda", "torch_cpu", "_xla", "tensorflow_cc", "_pywrap_tensorflow", "paddle")
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
    command = (comparison.interpreter.executable, "-", str(place))
    variables = _variables(comparison.device)
    left = list(comparison.tasks)
    version = ""
    with Child(
        command, _program(framework), folder=folder, variables=variables, hold_input=False
    ) as child:
        deadline = time.monotonic() + _LOAD_SECONDS
        while left:
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
                if "task" in told:
                    left.remove(told["task"])
                    yield _judge(comparison, framework, mode, version, told, folder)
                elif "version" in told:
                    version = told["version"]
                if "task" in told or "version" in told:
                    deadline = time.monotonic() + _TASK_SECONDS
                    continue
                fault = told["failed"]
            for task in left:
                yield _failure(comparison, framework, mode, version, task, fault)
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


def _failure(
    comparison: Comparison, framework: str, mode: str, version: str, task: str, fault: str
) -> ParityResult:
    return ParityResult(
        framework, task, mode, None, None, "error", version, message=fault, tolerance=TOLERANCE,
        steps=comparison.steps, prefix=comparison.interpreter.prefix,
    )  # fmt: skip


def _judge(
    comparison: Comparison,
    framework: str,
    mode: str,
    version: str,
    told: Mapping[str, Any],
    folder: Path,
) -> ParityResult:
    """Compare one task with the reference."""
    task = told["task"]
    if "failed" in told:
        return _failure(comparison, framework, mode, version, task, told["failed"])
    ours, theirs = (
        _load(folder / f"reference.{task}.npz", None),
        _load(folder / f"{framework}.{mode}.{task}.npz", told["losses"]),
    )
    difference = compare_trajectories(ours, theirs, TOLERANCE)
    placement = str(told["placement"]).lower()
    faults = [difference.message] if difference.step is not None else []
    if comparison.expect_gpu and not placement.startswith(("cuda", "gpu")):
        faults.insert(
            0,
            f"computed on {placement} although this machine has a GPU: a silent fallback to the CPU",
        )
    library = "" if difference.step is None else _blame(difference.parameter, told["libraries"])
    if library:
        faults.append(f"computed by {library}")
    return ParityResult(
        framework, task, mode, difference.step, difference.largest, "error" if faults else "ok", version,
        placement, "; ".join(faults), TOLERANCE, comparison.steps, float(told["seconds"]),
        comparison.interpreter.prefix, difference.parameter, library,
    )  # fmt: skip


def _load(path: Path, losses: Sequence[float] | None) -> Trajectory:
    with np.load(path) as arrays:
        weights = {name: arrays[name] for name in arrays.files if name != "losses"}
        return Trajectory(arrays["losses"].tolist() if losses is None else losses, weights)


def _blame(parameter: str, libraries: Sequence[str]) -> str:
    """Return the loaded library that computes this kind of layer, empty if none is known to."""
    for prefix, names in _LIBRARIES:
        if parameter.startswith(prefix):
            for name in names:
                for path in libraries:
                    if name in Path(path).name.lower():
                        return path
    return ""

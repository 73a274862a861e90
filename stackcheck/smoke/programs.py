"""Jobs done by others: by the engine in a worker, and by a framework in its own interpreter."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from stackcheck.smoke.child import Child, ChildEnded, ChildHung
from stackcheck.smoke.home import Home
from stackcheck.smoke.interpreter import Interpreter
from stackcheck.smoke.jobs import MOMENTUM, Job
from stackcheck.smoke.request import Request
from stackcheck.smoke.runner import Listener, Run, run_stages
from stackcheck.smoke.told import Told, read_told

__all__ = ["Framework", "train_in_engine", "train_in_framework"]

_START = (
    "import sys; exec(compile(sys.stdin.read(int(sys.stdin.readline())), '<stackcheck>', 'exec'))"
)
"""Runs a program of a stated length from standard input and leaves that open, so that its end can be noticed."""
_LOAD_SECONDS = 180.0
_ANSWER_SECONDS = 240.0
_LAST_LINES = 12
"""Of what a crashed program wrote to standard error."""


@dataclass(frozen=True)
class Framework:
    """A framework in an environment, and how it is to run."""

    interpreter: Interpreter
    name: str
    """`torch`, ..., or `keras[jax]` with a back end."""
    mode: str
    device: str
    timeout: float = 0.0
    """Seconds until the next answer must come; 0 for the usual ones."""

    @property
    def module(self) -> str:
        """The module, which is also the name of its program."""
        return self.name.partition("[")[0]

    @property
    def backend(self) -> str:
        """Keras's back end; empty where its own configuration decides."""
        return self.name.partition("[")[2].rstrip("]")


def train_in_engine(
    folder: Path,
    output: str,
    jobs: Sequence[Job],
    listener: Listener,
    *,
    device: str = "cpu",
    mode: str = "eager",
    cudnn: bool = True,
    timeout: float = 0.0,
    home: Home | None = None,
) -> tuple[dict[str, Told], Run]:
    """Do the jobs by the engine, `eager` or `captured`; returns what each told, and the run.

    Raises `EngineUnusable`.
    """
    path = _write_request(folder, output, jobs, {"mode": mode, "device": device, "backend": ""})
    request = Request(device=device, jobs=str(path), cudnn=cudnn, timeout=timeout)
    run = run_stages(request, listener, home)
    told = {job.name: Told(job.name, failed="it was not reached") for job in jobs}
    for stage in run.stages:
        name = stage.name.removeprefix("reference ")
        if name in told:
            told[name] = Told(name, failed=stage.message or "it told nothing")
    told |= {content["job"]: read_told(content) for content in run.trained}
    return told, run


def train_in_framework(
    framework: Framework,
    folder: Path,
    output: str,
    jobs: Sequence[Job],
    progress: Callable[[Mapping[str, Any]], None],
) -> tuple[dict[str, Told], str]:
    """Do the jobs by a framework; returns what each told, whatever happens there, and the framework's version."""
    number = int(framework.device.partition(":")[2] or 0)
    device = "cuda:0" if number else framework.device  # the only one that is left visible
    settings = {"mode": framework.mode, "device": device, "backend": framework.backend}
    path = _write_request(folder, output, jobs, settings)
    program = _program(framework.module)
    command = (framework.interpreter.executable, "-c", _START, str(path))
    variables = _variables(framework.device)
    told: dict[str, Told] = {}
    version, fault = "", "it was not reached"
    with Child(command, f"{len(program)}\n{program}", folder=folder, variables=variables) as child:
        for line in _listen(child, framework.timeout):
            if "version" in line:
                version = line["version"]
            elif "job" in line:
                found = read_told(line)
                if number and found.placement == "cuda:0":
                    found = replace(found, placement=framework.device)
                told[line["job"]] = found
            elif "failed" in line:
                fault = line["failed"]
                break
            else:
                progress(line)
            if len(told) == len(jobs):
                break
    for job in jobs:
        if job.name not in told:
            told[job.name] = Told(job.name, failed=fault)
    return told, version


def _write_request(
    folder: Path, output: str, jobs: Sequence[Job], settings: Mapping[str, str]
) -> Path:
    path = folder / f"{output}.json"
    content = {
        "folder": str(folder),
        "output": output,
        "momentum": MOMENTUM,
        "jobs": [job.describe() for job in jobs],
        **settings,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _program(module: str) -> str:
    payload = files("stackcheck") / "payload"
    parts = [
        (payload / f"train_{part}.py").read_text(encoding="utf-8") for part in ("protocol", module)
    ]
    return "\n".join([*parts, "run(load)", ""])


def _listen(child: Child, timeout: float) -> Iterator[Mapping[str, Any]]:
    """Yield what the program tells, and last of all `failed` if it hangs or ends."""
    deadline = time.monotonic() + (timeout or _LOAD_SECONDS)
    while True:
        try:
            line: Mapping[str, Any] = json.loads(child.read_line(deadline))
        except ChildHung:
            fault = "gave no answer until its deadline and was ended"
        except ChildEnded:
            fault = f"the process {child.describe_end()}"
            last = [line.rstrip() for line in child.complaints if line.strip()][-_LAST_LINES:]
            if last:
                fault = "\n".join([f"{fault} ({last[-1].strip()})", *last])
        except ValueError:
            fault = "said something that is not JSON"
        else:
            yield line
            deadline = time.monotonic() + (timeout or _ANSWER_SECONDS)
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
        # TensorFlow and JAX would take nearly all of the GPU's memory before they need it
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    number = int(device.partition(":")[2] or 0)
    if device == "cpu":
        variables["CUDA_VISIBLE_DEVICES"] = "-1"
    elif number:
        visible = [each for each in variables.get("CUDA_VISIBLE_DEVICES", "").split(",") if each]
        variables["CUDA_VISIBLE_DEVICES"] = (
            visible[number] if number < len(visible) else str(number)
        )
    return variables

"""Proving an environment in its own interpreter: what each framework says of itself, against the plan."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from stackcheck.environments.backends import variables_of
from stackcheck.environments.tools import Tools
from stackcheck.exit_status import signal_name
from stackcheck.model.build import Build
from stackcheck.model.plan import Plan
from stackcheck.model.version import Architecture, InvalidVersion, Version, parse_version
from stackcheck.rules.driver.coverage import find_cubin, find_ptx

__all__ = ["Proof", "Verification", "interpreter_of", "observe", "verify"]

_SECONDS = 300
_VARIABLES = {"PYTHONNOUSERSITE": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
_PROGRAMS = {"pytorch", "tensorflow", "jax", "keras", "paddlepaddle", "mxnet", "cupy"}

Outcome = Literal["ok", "warning", "error", "unknown"]


@dataclass(frozen=True)
class Proof:
    """One thing that was looked at in the new environment."""

    what: str
    status: Outcome
    message: str


@dataclass(frozen=True)
class Verification:
    """Everything that was looked at, and what is installed."""

    proofs: tuple[Proof, ...]
    installed: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong."""
        return all(proof.status != "error" for proof in self.proofs)

    @property
    def is_complete(self) -> bool:
        """Whether everything could be looked at."""
        return all(proof.status in ("ok", "warning") for proof in self.proofs)


def interpreter_of(prefix: Path) -> Path:
    """Return the environment's interpreter; in a pixi workspace that of its default environment."""
    inner = prefix / ".pixi" / "envs" / "default"
    prefix = inner if inner.is_dir() else prefix
    if os.name == "nt":
        scripts = prefix / "Scripts" / "python.exe"
        return scripts if scripts.exists() else prefix / "python.exe"
    return prefix / "bin" / "python"


def _program(framework: str) -> str:
    own = framework if framework in _PROGRAMS else "other"
    folder = files("stackcheck.payload")
    parts = [(folder / name).read_text() for name in ("verify.py", f"verify_{own}.py")]
    return "\n".join([*parts, "main(load, build, gpus, train)\n"])


def observe(
    prefix: Path,
    framework: str,
    tools: Tools,
    *,
    seconds: float = _SECONDS,
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run the payload in the environment's interpreter; return its facts, or only `crashed` with the reason."""
    request = {"arguments": [] if framework in _PROGRAMS else [framework]}
    try:
        done = subprocess.run(
            [str(interpreter_of(prefix)), "-", json.dumps(request)],
            input=_program(framework),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            cwd=prefix,
            env=tools.environment({**_VARIABLES, **(variables or {})}),
        )
    except subprocess.TimeoutExpired:
        return {"crashed": f"did not answer within {seconds:g} s"}
    except OSError as error:
        return {"crashed": f"its interpreter cannot be run ({error.strerror})"}
    try:
        facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"crashed": _describe_end(done)}
    return facts


def _describe_end(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        reason = f"ended by {signal_name(done.returncode)}"
    else:
        reason = f"ended with exit status {done.returncode}"
    last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
    return ": ".join([reason, *last])


def _version(text: object) -> Version | None:
    try:
        return parse_version(str(text))
    except InvalidVersion:
        return None


def _compare_version(build: Build, facts: Mapping[str, Any]) -> Proof:
    what = f"{build.framework} version"
    found = _version(facts.get("version"))
    if found is None:
        return Proof(what, "unknown", f"{build.framework} does not tell its version")
    if found.public != build.version.public:
        return Proof(what, "error", f"{found} is installed, the plan has {build.version}")
    return Proof(what, "ok", str(found))


def _has_gpu_code(build: Build) -> bool:
    """Whether it is a GPU build: what is the same for every machine, as Keras, leaves the GPU to its backend."""
    return build.is_gpu and build.build != "any"


def _is_silent(build: Build) -> bool:
    """Whether it has no CUDA, or no way to tell which."""
    silent = build.framework == "mxnet" or build.framework not in _PROGRAMS
    return build.build == "any" or (_has_gpu_code(build) and silent)


def _compare_cuda(build: Build, facts: Mapping[str, Any]) -> Proof:
    what = f"{build.framework} CUDA"
    told = facts.get("cuda")
    found = _version(told) if told else None
    if found is None:
        if _has_gpu_code(build) and build.framework == "jax":
            return Proof(what, "unknown", f"{build.framework} does not tell its CUDA")
        if _has_gpu_code(build):
            return Proof(what, "error", "a CPU build is installed, the plan has a CUDA build")
        return Proof(what, "ok", "CPU build")
    if not _has_gpu_code(build):
        return Proof(what, "error", f"built with CUDA {found}, the plan has the CPU build")
    wanted = build.cuda or found
    if found.release[:2] == wanted.release[:2]:
        return Proof(what, "ok", f"CUDA {found}")
    same_major = found.major == wanted.major
    message = f"built with CUDA {found}, the plan has {wanted}"
    return Proof(what, "warning" if same_major else "error", message)


def _architecture(text: str) -> Architecture | None:
    try:
        return Architecture.parse(text)
    except ValueError:
        return None


def _compare_architectures(plan: Plan, build: Build, facts: Mapping[str, Any]) -> Proof | None:
    told = facts.get("architectures")
    if not _has_gpu_code(build) or not plan.capabilities or not told:
        return None
    known = tuple(entry for text in told if (entry := _architecture(str(text))) is not None)
    lacking = [
        str(each)
        for each in plan.capabilities
        if not find_cubin(known, each) and not find_ptx(known, each)
    ]
    what = f"{build.framework} GPU code"
    if lacking:
        return Proof(
            what, "error", f"no code for compute capability {', '.join(lacking)}: {' '.join(told)}"
        )
    return Proof(what, "ok", " ".join(str(entry) for entry in known))


def _judge_gpus(build: Build, facts: Mapping[str, Any], has_gpu: bool | None) -> Proof | None:
    if not _has_gpu_code(build):
        return None
    what = f"{build.framework} on the GPU"
    gpus = facts.get("gpus")
    if gpus:
        return Proof(what, "ok", ", ".join(str(gpu.get("name")) for gpu in gpus))
    reason = facts.get("errors", {}).get("gpus", "")
    if gpus is None and not reason:
        return Proof(what, "unknown", f"{build.framework} does not tell which GPUs it sees")
    if has_gpu:
        return Proof(
            what, "error", reason or f"{build.framework} sees no GPU, this machine has one"
        )
    return Proof(what, "unknown", "not verified: no GPU on the machine where it was made")


def _judge_training(build: Build, facts: Mapping[str, Any]) -> Proof:
    what = f"{build.framework} training"
    training = facts.get("training")
    if training is None:
        error = facts.get("errors", {}).get("training")
        return Proof(what, "error" if error else "unknown", error or "no training was tried")
    first, last = training["first"], training["last"]
    if _has_gpu_code(build) and facts.get("gpus") and str(training["device"]).startswith("cpu"):
        return Proof(what, "error", f"{build.framework} sees a GPU and trained on the CPU")
    message = f"loss {first:.3g} to {last:.3g} in 20 steps on {training['device']}"
    return Proof(what, "ok" if last < first / 2 else "error", message)


def _judge_libraries(build: Build, facts: Mapping[str, Any], prefix: Path) -> Proof | None:
    """Tell which CUDA libraries were loaded from outside the environment; the driver's own always are."""
    loaded = facts.get("libraries")
    if not _has_gpu_code(build) or loaded is None:
        return None
    own = str(prefix.resolve())
    foreign = [
        path
        for path in loaded
        if not path.startswith((own, str(prefix))) and not Path(path).name.startswith("libcuda.so")
    ]
    what = f"{build.framework} libraries"
    if foreign and "system" not in (build.cuda_linkage, build.cudnn_linkage):
        return Proof(what, "warning", f"loaded from outside the environment: {', '.join(foreign)}")
    return Proof(
        what, "ok", f"{len(loaded)} of its libraries are loaded" if loaded else "none is loaded yet"
    )


def _judge(
    plan: Plan, build: Build, facts: Mapping[str, Any], prefix: Path, has_gpu: bool | None
) -> list[Proof]:
    what = f"import {build.framework}"
    if crash := facts.get("crashed"):
        return [Proof(what, "error", crash)]
    if not facts.get("imported"):
        return [Proof(what, "error", facts.get("errors", {}).get("import", "was not imported"))]
    found = [
        Proof(what, "ok", f"Python {facts.get('python')}"),
        _compare_version(build, facts),
        _compare_cuda(build, facts) if facts.get("cuda") or not _is_silent(build) else None,
        _compare_architectures(plan, build, facts),
        _judge_gpus(build, facts, has_gpu),
        _judge_training(build, facts),
        _judge_libraries(build, facts, prefix),
    ]
    return [proof for proof in found if proof is not None]


def verify(plan: Plan, prefix: Path, tools: Tools, *, has_gpu: bool | None) -> Verification:
    """Look at every framework of the plan, each in a process of its own.

    `has_gpu` says whether this machine has a GPU that the environment is meant for; None if that is not known.
    """
    proofs: list[Proof] = []
    installed: dict[str, str] = {}
    for build in plan.builds:
        facts = observe(prefix, build.framework, tools, variables=variables_of(plan.builds))
        installed.update(facts.get("distributions", {}))
        found = str(facts.get("python", ""))
        if found and not f"{found}.".startswith(f"{plan.python}."):
            proofs.append(Proof("Python", "error", f"{found} is there, the plan has {plan.python}"))
        proofs += _judge(plan, build, facts, prefix, has_gpu)
    return Verification(tuple(proofs), installed)

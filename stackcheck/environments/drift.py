"""How far an environment has moved from its plan, and its machine from the one that it was made for."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from stackcheck.environments.directories import MEMORY
from stackcheck.environments.guard import belongs_to_build
from stackcheck.environments.stored_plan import load_plan
from stackcheck.errors import InputError
from stackcheck.model.environment import Environment
from stackcheck.model.machine import Machine
from stackcheck.model.plan import Plan

__all__ = ["Drift", "find_drift", "read_memory"]


@dataclass(frozen=True)
class Drift:
    """One thing that is no longer as it was planned, and the command that repairs it."""

    what: str
    planned: str
    found: str
    command: str


def read_memory(prefix: Path) -> dict[str, Any] | None:
    """Return what StackCheck wrote down when it made the environment; None for another's.

    Raises `InputError` where the file is damaged.
    """
    path = prefix / MEMORY / "plan.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        load_plan(content["plan"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); make the environment anew") from error
    return content


def _repair(prefix: Path, plan: Plan) -> str:
    """Return the command that puts the packages back."""
    quoted = shlex.quote(str(prefix))
    lock = prefix / MEMORY / "pylock.toml"
    if lock.is_file():
        python = shlex.quote(str(prefix / "bin" / "python"))
        return f"{_uv()} pip install --python {python} -r {shlex.quote(str(lock))}"
    return f"stackcheck env remove {quoted} && stackcheck create-env {_specs(plan)} -p {quoted}"


def _uv() -> str:
    """Return what to call uv by: by its path where it is StackCheck's own, which no PATH needs to have."""
    from stackcheck.environments.installers.uv import NoUv, find_uv

    if shutil.which("uv"):
        return "uv"
    try:
        return shlex.quote(find_uv())
    except NoUv:
        return "uv"


def _specs(plan: Plan) -> str:
    return " ".join(
        shlex.quote(f"{build.framework}+{build.build}=={build.version.public}")
        for build in plan.builds
    )


def _anew(plan: Plan) -> str:
    names = " ".join(build.framework for build in plan.builds)
    return f"stackcheck create-env {names} -n NAME"


def _packages(
    plan: Plan, memory: Mapping[str, Any], environment: Environment, prefix: Path
) -> list[Drift]:
    listed = environment.distributions.peek()
    if listed is None:
        return []
    found = {each.name: each.version for each in listed}
    planned = {
        canonicalize_name(name): version
        for name, version in (memory.get("installed") or {}).items()
        if belongs_to_build(plan, name)
    }
    for build in plan.builds:
        planned.setdefault(canonicalize_name(build.distribution), str(build.version))
    drifts: list[Drift] = []
    for name, version in sorted(planned.items()):
        now = found.get(name)
        is_conda = name not in found and name in ("pytorch", "pytorch-gpu", "pytorch-cpu")
        if now == version or is_conda or (now or "").partition("+")[0] == version:
            continue
        drifts.append(Drift(name, version, now or "not installed", _repair(prefix, plan)))
    return drifts


def _machine(plan: Plan, machine: Machine) -> list[Drift]:
    drifts: list[Drift] = []
    cuda = machine.driver.cuda.peek()
    if plan.driver_cuda is not None and cuda is not None and cuda != plan.driver_cuda:
        drifts.append(Drift("CUDA of the driver", str(plan.driver_cuda), str(cuda), _anew(plan)))
    capabilities = {
        each
        for gpu in machine.gpus.peek() or ()
        if (each := gpu.compute_capability.peek()) is not None
    }
    if plan.capabilities and capabilities and capabilities != set(plan.capabilities):
        before, now = (
            ", ".join(str(each) for each in sorted(them))
            for them in (plan.capabilities, capabilities)
        )
        drifts.append(Drift("compute capabilities", before, now, _anew(plan)))
    return drifts


def find_drift(
    prefix: Path, environment: Environment, machine: Machine | None
) -> tuple[Drift, ...]:
    """Compare an environment of ours with its plan, and the machine (if given) with the one it was made for.

    Nothing is said of an environment that StackCheck did not make.
    """
    memory = read_memory(prefix)
    if memory is None:
        return ()
    plan = load_plan(memory["plan"])
    drifts = _packages(plan, memory, environment, prefix)
    if machine is not None:
        drifts += _machine(plan, machine)
    return tuple(drifts)

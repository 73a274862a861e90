"""Which CuPy the engine needs to use the GPUs of this machine, by the resolver; and a private environment with it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.errors import StackCheckError
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.environments.tools import Tools
    from stackcheck.model.machine import Machine
    from stackcheck.model.plan import Plan
    from stackcheck.smoke.presence import Presence

__all__ = ["COMPANIONS", "BootstrapFailed", "EngineNeeds", "find_needs", "make_environment"]

_SPEC = "cupy>=14"
COMPANIONS = {
    "cuda12": ("nvidia-cudnn-cu12>=9.1", "nvidia-nccl-cu12>=2.20"),
    "cuda13": ("nvidia-cudnn-cu13>=9.12", "nvidia-nccl-cu13>=2.27"),
}
"""By extra of this distribution, what it has besides CuPy; a test holds it against `pyproject.toml`."""
_ENGINE = ("numpy>=1.26", "ml_dtypes>=0.4")


class BootstrapFailed(StackCheckError):
    """No environment with a CuPy for this machine could be had; the text says why."""


@record(frozen=True)
class EngineNeeds:
    """The CuPy that this machine's driver and GPUs can run: a plan, or why there is none."""

    plan: Plan | None
    extra: str = ""
    """`cuda12` or `cuda13`; empty without a plan."""
    why: str = ""
    installed: tuple[str, ...] = ()
    """CuPy's distributions in this interpreter."""

    @property
    def advice(self) -> str:
        """What to do so that the smoke can use the GPU."""
        if self.plan is None:
            return self.why
        fitting = self.plan.builds[0].distribution
        if self.installed == (fitting,):
            return f"{fitting} is installed and fits; `stackcheck doctor` looks for what is wrong"
        install = f"pip install 'stackcheck[{self.extra}]'"
        if self.installed:
            remove = f"pip uninstall {' '.join(self.installed)}"
            install = f"{' and '.join(self.installed)} is not what this machine needs: {remove}; {install}"
        return f"{install}, or let `--bootstrap` make a private environment with it"


def _installed() -> tuple[str, ...]:
    from importlib.metadata import distributions

    names = {str(each.metadata["Name"]).lower() for each in distributions()}
    return tuple(sorted(name for name in names if re.fullmatch(r"cupy(-cuda\d+x?)?", name)))


def find_needs(presence: Presence) -> EngineNeeds:
    """Ask the resolver which CuPy fits every GPU and the driver. Where it cannot tell, the driver's release decides."""
    from stackcheck.environments.planning import resolve_for
    from stackcheck.knowledge.knowledge import load
    from stackcheck.probe.machine import probe_machine
    from stackcheck.resolve.requirements import parse_requirements
    from stackcheck.resolve.wishes import Wishes

    knowledge = load()
    machine: Machine = probe_machine()
    resolution = resolve_for(
        parse_requirements([_SPEC], knowledge),
        [machine],
        knowledge,
        Wishes(),
        installer="uv",
        kinds=(),
    )
    plan = resolution.plan
    if plan is None:
        causes = "; ".join(resolution.causes)
        known = resolution.status == "impossible" and causes
        return EngineNeeds(None, why=causes if known else presence.extra)
    if plan.cuda is None:
        return EngineNeeds(None, why="no CuPy has code for the GPUs of this machine")
    return EngineNeeds(plan, f"cuda{plan.cuda.major}", installed=_installed())


def make_environment(needs: EngineNeeds, tools: Tools) -> str:
    """Return the interpreter of the private environment with the plan's CuPy, made now if it is not there yet.

    Raises `BootstrapFailed`.
    """
    from stackcheck.environments.directories import environments_directory
    from stackcheck.environments.installers.choice import choose
    from stackcheck.environments.making import make
    from stackcheck.environments.planning import make_recipe
    from stackcheck.environments.verification import interpreter_of

    if needs.plan is None:
        raise BootstrapFailed(f"--bootstrap: {needs.why}")
    build = needs.plan.builds[0]
    name = f"train-smoke-{build.distribution}-{build.version.public}-py{needs.plan.python}"
    prefix = environments_directory() / name
    if _is_whole(prefix):
        return str(interpreter_of(prefix))
    recipe = make_recipe(
        needs.plan, name, str(prefix), (*_ENGINE, *COMPANIONS.get(needs.extra, ()))
    )
    try:
        make(recipe, choose("auto", recipe.packages), tools, proving=False, has_gpu=True)
    except StackCheckError as error:
        raise BootstrapFailed(f"--bootstrap: {error}") from error
    return str(interpreter_of(prefix))


def _is_whole(prefix: Path) -> bool:
    from stackcheck.environments.directories import MEMORY
    from stackcheck.environments.verification import interpreter_of

    try:
        json.loads((prefix / MEMORY / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return interpreter_of(prefix).exists() and not any((prefix / MEMORY).glob("incomplete-*"))

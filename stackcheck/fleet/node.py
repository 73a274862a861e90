"""One node of a fleet: what became of asking it, and the facts that it is compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal

from stackcheck.model.fact import Fact
from stackcheck.model.finding import Finding
from stackcheck.model.gpu import Gpu
from stackcheck.model.machine import Machine
from stackcheck.model.record import record

__all__ = ["Node", "State", "facts_of"]

State = Literal["ok", "findings", "busy", "probe-failed", "timeout", "down", "not-started"]


@record(frozen=True)
class Node:
    """One row of the answer. Every known node has one; none is dropped."""

    name: str
    state: State
    age_seconds: int | None = None
    """Since it was probed."""
    findings: tuple[Finding, ...] = ()
    detail: str = ""
    """Why it has no facts, or what could not be judged."""
    undecided: int = 0
    """Rules that lacked a fact."""
    facts: Mapping[str, str] = field(default_factory=dict)


def facts_of(machine: Machine) -> dict[str, str]:
    """Return what nodes of one fleet should have alike, as texts; `unknown` where nobody could tell."""
    host, driver = machine.host, machine.driver
    gpus = machine.gpus.peek()
    facts = {
        "driver": _text(driver.release),
        "CUDA driver version": _text(driver.cuda),
        "kernel": _text(host.kernel),
        "glibc": _text(host.glibc),
        "operating system": _text(host.os),
    }
    each = gpus or ()
    models = Counter(gpu.name.peek() or "unknown" for gpu in each)
    facts["GPUs"] = ", ".join(f"{count} x {name}" for name, count in sorted(models.items()))
    for name, read in _OF_GPUS.items():
        facts[name] = ", ".join(sorted({_text(read(gpu)) for gpu in each}))
    for name in ("GPUs", *_OF_GPUS):
        facts[name] = facts[name] or (machine.gpus.state if gpus is None else "none")
    environment = machine.environment.peek()
    for build in (environment.builds.peek() or ()) if environment else ():
        facts[build.framework] = f"{build.version.public}+{build.build.peek() or '?'}"
    return facts


def _text(fact: Fact[Any]) -> str:
    value = fact.peek()
    if value is None:
        return fact.state
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


_OF_GPUS: dict[str, Callable[[Gpu], Fact[Any]]] = {
    "MIG": lambda gpu: gpu.mig_enabled,
    "ECC": lambda gpu: gpu.ecc.enabled,
    "persistence": lambda gpu: gpu.persistence,
    "fabric state": lambda gpu: gpu.fabric_state,
}
"""What all GPUs of a node should share, too."""

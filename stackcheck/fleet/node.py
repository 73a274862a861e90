"""One node of a fleet: what became of asking it, and the facts that it is compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stackcheck.model.fact import Fact
from stackcheck.model.finding import Finding
from stackcheck.model.machine import Machine

__all__ = ["Node", "State", "facts_of"]

State = Literal["ok", "findings", "busy", "probe-failed", "timeout", "down", "not-started"]


@dataclass(frozen=True)
class Node:
    """One row of the answer. Every known node has one; none is dropped."""

    name: str
    state: State
    age_seconds: int | None = None
    """Since it was probed."""
    findings: tuple[Finding, ...] = ()
    detail: str = ""
    """Why it has no facts, or what could not be judged."""
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
    if gpus is None:
        facts["GPUs"] = "unknown"
    else:
        models = Counter(gpu.name.peek() or "unknown" for gpu in gpus)
        facts["GPUs"] = ", ".join(f"{count} x {name}" for name, count in sorted(models.items()))
        facts["GPUs"] = facts["GPUs"] or "none"
        facts["MIG"] = _alike(_text(gpu.mig_enabled) for gpu in gpus)
        facts["ECC"] = _alike(_text(gpu.ecc.enabled) for gpu in gpus)
        facts["fabric state"] = _alike(_text(gpu.fabric_state) for gpu in gpus)
    environment = machine.environment.peek()
    for build in (environment.builds.peek() or ()) if environment else ():
        facts[build.framework] = f"{build.version}+{build.build.peek() or 'unknown'}"
    return facts


def _text(fact: Fact[Any]) -> str:
    value = fact.peek()
    return fact.state if value is None else str(value)


def _alike(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts))) or "none"

"""RS-08: the machine differs from the one that `doctor --expect` names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stackcheck.model.fact import Fact, Known
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.machine import Machine
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["expectation_rule"]


def _gpu_names(machine: Machine) -> Fact[Any]:
    gpus = machine.gpus
    if not isinstance(gpus, Known):
        return gpus
    names = Counter(
        f"{gpu.name.peek() or 'GPU'}{' (MIG)' * bool(gpu.mig_enabled.peek())}" for gpu in gpus.value
    )
    text = ", ".join(f"{count} x {name}" for name, count in sorted(names.items()))
    return Known(text or "none", gpus.source)


def _frameworks(machine: Machine) -> Fact[Any]:
    environment = machine.environment
    if not isinstance(environment, Known):
        return environment
    builds = environment.value.builds
    if not isinstance(builds, Known):
        return builds
    labels = sorted(
        f"{build.framework} {build.version.public}+{build.build.peek() or '?'}"
        for build in builds.value
    )
    return Known(", ".join(labels) or "none", builds.source)


_COMPARED: dict[str, Callable[[Machine], Fact[Any]]] = {
    "GPUs": _gpu_names,
    "driver": lambda machine: machine.driver.release,
    "CUDA driver version": lambda machine: machine.driver.cuda,
    "kernel": lambda machine: machine.host.kernel,
    "operating system": lambda machine: machine.host.os,
    "glibc": lambda machine: machine.host.glibc,
    "frameworks": _frameworks,
}
"""What two machines of one kind share; names, serials and free memory are each machine's own."""


def _judge(situation: Situation, expected: Machine | None) -> Finding | None:
    if expected is None:
        raise NotApplicable("no machine was named to compare with; --expect does")
    differing: list[tuple[str, Fact[Any], Fact[Any]]] = []
    unknown: list[Fact[Any]] = []
    for name, read in _COMPARED.items():
        wanted, found = read(expected), read(situation.machine)
        if wanted.state == "unknown":
            continue
        if found.state == "unknown":
            unknown.append(found)
        elif wanted.peek() != found.peek():
            differing.append((name, wanted, found))
    if not differing:
        for fact in unknown:
            fact.get()
        return None
    name, wanted, found = differing[0]
    more = f", and {len(differing) - 1} more differ" if len(differing) > 1 else ""
    return RULE.finding(
        f"{name}: {found.peek() or 'none'} here, {wanted.peek() or 'none'} expected{more}",
        evidence=tuple(
            line
            for name, wanted, found in differing
            for line in (
                Evidence(f"{name} here", str(found.peek() or "none"), found.source),
                Evidence(f"{name} expected", str(wanted.peek() or "none"), expected.origin),
            )
        ),
        cause="This machine was set up, updated or repaired differently from the one that it shall be like.",
        fix=Fix(
            "Bring it to the expected state, or record the new one",
            ("stackcheck probe --output expected.json",),
        ),
        verify="stackcheck doctor --expect expected.json --only RS-08",
    )


def expectation_rule(expected: Machine | None) -> MachineRule:
    """Return the rule, comparing with a machine; without one it is skipped."""
    return replace(RULE, judge=lambda situation: _judge(situation, expected))


RULE = MachineRule(
    code="RS-08",
    reason="other",
    layer="resources",
    severity="warning",
    title="the machine is not as expected",
    explanation="`doctor --expect FILE` compares with a facts file: GPUs, driver, kernel, C library and frameworks.",
    source="StackCheck: doctor --expect",
    judge=lambda situation: _judge(situation, None),
)

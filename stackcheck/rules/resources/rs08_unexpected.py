"""RS-08: the machine differs from what `doctor --expect` names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from operator import eq
from typing import Any, NamedTuple

from stackcheck.model.environment import InstalledBuild
from stackcheck.model.expectation import Expectation
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.gpu import Gpu
from stackcheck.model.machine import Machine
from stackcheck.model.specifier import admits
from stackcheck.model.version import Version
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["expectation_rule"]


class _Comparison(NamedTuple):
    """One fact, what was expected of it in words, and whether a known value is that."""

    name: str
    wanted: str
    found: Fact[Any]
    holds: Callable[[Any], bool]


def _gpu_names(machine: Machine) -> Fact[Any]:
    gpus = machine.gpus
    if not isinstance(gpus, Known):
        return gpus
    names = Counter(
        f"{gpu.name.peek() or 'GPU'}{' (MIG)' * bool(gpu.mig_enabled.peek())}" for gpu in gpus.value
    )
    text = ", ".join(f"{count} x {name}" for name, count in sorted(names.items()))
    return Known(text or "none", gpus.source)


def _builds(machine: Machine) -> Fact[tuple[InstalledBuild, ...]]:
    environment = machine.environment
    return environment.value.builds if isinstance(environment, Known) else environment


def _frameworks(machine: Machine) -> Fact[Any]:
    builds = _builds(machine)
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


def _as_machine(expected: Machine, machine: Machine) -> Iterator[_Comparison]:
    for name, read in _COMPARED.items():
        wanted = read(expected)
        if wanted.state != "unknown":
            value = wanted.peek()
            yield _Comparison(name, _worded(value), read(machine), partial(eq, value))


def _as_written(expected: Expectation, machine: Machine) -> Iterator[_Comparison]:
    ranges: tuple[tuple[str, str | None, Fact[Any]], ...] = (
        ("driver", expected.driver, machine.driver.release),
        ("CUDA driver version", expected.cuda, machine.driver.cuda),
        ("glibc", expected.glibc, machine.host.glibc),
        *(
            (framework, text, _version_of(framework, machine))
            for framework, text in expected.frameworks.items()
        ),
    )
    for name, text, fact in ranges:
        if text is not None:
            yield _Comparison(name, text, fact, partial(_is_within, text))
    if expected.kernel is not None:
        kernel = expected.kernel
        yield _Comparison("kernel", kernel, machine.host.kernel, partial(eq, kernel))
    if expected.gpus is not None:
        gpus = machine.gpus
        count: Fact[int] = (
            gpus if isinstance(gpus, Unknown) else Known(len(gpus.peek() or ()), gpus.source)
        )
        yield _Comparison("GPUs", str(expected.gpus), count, partial(eq, expected.gpus))
    for gpu in machine.gpus.peek() or ():
        yield from _of_gpu(expected, gpu)


def _of_gpu(expected: Expectation, gpu: Gpu) -> Iterator[_Comparison]:
    if expected.gpu is not None:
        named = partial(_is_named, expected.gpu)
        yield _Comparison(f"GPU {gpu.index}", expected.gpu, gpu.name, named)
    states: tuple[tuple[str, bool | None, Fact[bool]], ...] = (
        ("ECC", expected.ecc, gpu.ecc.enabled),
        ("MIG", expected.mig, gpu.mig_enabled),
        ("persistence", expected.persistence, gpu.persistence),
    )
    for name, wanted, fact in states:
        if wanted is not None:
            called = f"{name} of GPU {gpu.index}"
            yield _Comparison(called, _worded(wanted), fact, partial(_is_on, wanted))


def _is_within(text: str, found: Version | None) -> bool:
    return found is not None and admits(text, found)


def _is_named(part: str, found: str | None) -> bool:
    return part.lower() in (found or "").lower()


def _is_on(wanted: bool, found: bool | None) -> bool:
    return bool(found) == wanted  # a GPU without the feature has it off


def _version_of(framework: str, machine: Machine) -> Fact[Any]:
    builds = _builds(machine)
    if not isinstance(builds, Known):
        return builds
    for build in builds.value:
        if framework in (build.framework, build.distribution):
            return Known(build.version, builds.source)
    return Absent(builds.source)


def _worded(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _judge(situation: Situation, expected: Machine | Expectation | None) -> Finding | None:
    if expected is None:
        raise NotApplicable("nothing was named to compare with; --expect does")
    if isinstance(expected, Machine):
        source, compared = expected.origin, list(_as_machine(expected, situation.machine))
    else:
        source, compared = expected.source, list(_as_written(expected, situation.machine))
    differing = [
        each
        for each in compared
        if each.found.state != "unknown" and not each.holds(each.found.peek())
    ]
    if not differing:
        for each in compared:
            each.found.get()
        return None
    first = differing[0]
    more = f", and {len(differing) - 1} more differ" if len(differing) > 1 else ""
    return RULE.finding(
        f"{first.name}: {_worded(first.found.peek())} here, {first.wanted} expected{more}",
        evidence=tuple(
            line
            for each in differing
            for line in (
                Evidence(f"{each.name} here", _worded(each.found.peek()), each.found.source),
                Evidence(f"{each.name} expected", each.wanted, source),
            )
        ),
        cause="This machine was set up, updated or repaired differently from what was expected of it.",
        fix=Fix(
            "Bring it to the expected state, or record the new one",
            ("stackcheck probe --output expected.json",),
        ),
        verify="stackcheck doctor --expect expected.json --only RS-08",
    )


def expectation_rule(expected: Machine | Expectation | None) -> MachineRule:
    """Return the rule, comparing with a machine or with what was written; without either it is skipped."""
    return replace(RULE, judge=lambda situation: _judge(situation, expected))


RULE = MachineRule(
    code="RS-08",
    reason="other",
    layer="resources",
    severity="warning",
    title="the machine is not as expected",
    explanation=(
        "`doctor --expect FILE` compares with a facts file (GPUs, driver, kernel, C library and frameworks), or with"
        " ranges and states that somebody wrote down (`driver: '>=570,<581'`, `gpus: 8`, `ecc: true`)."
    ),
    source="StackCheck: doctor --expect",
    judge=lambda situation: _judge(situation, None),
)

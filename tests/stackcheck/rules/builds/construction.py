"""Builds and situations put together for tests: a CUDA 12.6 build for Ampere on the sketched machine with H100s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stackcheck.knowledge.knowledge import load
from stackcheck.model.build import Build, RowEvidence
from stackcheck.model.fact import Undecided
from stackcheck.model.finding import Finding
from stackcheck.model.machine import Container, Machine
from stackcheck.model.version import Architecture, Version
from stackcheck.rules.rule import BuildRule, MachineRule, SetRule, Situation
from stackcheck.rules.scope import NotApplicable
from tests.stackcheck.sketch import ABSENT, changed, healthy, known, with_gpu


def architectures(text: str) -> tuple[Architecture, ...]:
    return tuple(map(Architecture.parse, text.split()))


def made(**changes: Any) -> Build:
    """A GPU build with machine code up to Hopper; text becomes a version or architectures where one belongs."""
    for name in ("version", "cuda", "cudnn", "nccl", "glibc", "capability_max"):
        if isinstance(changes.get(name), str):
            changes[name] = Version(changes[name])
    if isinstance(changes.get("architectures"), str):
        changes["architectures"] = architectures(changes["architectures"])
    plain = Build(
        "pytorch",
        Version("99.1"),
        "cu126",
        "pypi",
        "linux-x86_64",
        "torch",
        cuda=Version("12.6"),
        cuda_linkage="pinned",
        architectures=architectures("sm_80 sm_86 sm_90"),
        python_tags=("cp311", "cp312"),
        evidence=(RowEvidence("wheel", "torch-99.1.whl", "2026-11-20"),),
    )
    return replace(plain, **changes)


def on(
    capability: str = "9.0", driver: str = "580.95.05", cuda: str = "13.0", **changes: Any
) -> Machine:
    """A machine with one GPU of a capability, and a driver."""
    machine = changed(healthy(), driver__release=driver, driver__cuda=cuda, **changes)
    return with_gpu(machine, compute_capability=Version(capability))


def in_image(machine: Machine, text: str) -> Machine:
    return changed(machine, host__container=Container("docker", known(text), ABSENT))


def situated(machine: Machine, *builds: Build, python: str = "", **packages: str) -> Situation:
    """A situation; packages are named with underscores."""
    versions = {name.replace("_", "-"): Version(text) for name, text in packages.items()}
    situation = Situation(machine, load(), builds=builds, packages=versions)
    return replace(situation, python=known(Version(python))) if python else situation


def judged(
    rule: BuildRule | SetRule | MachineRule, situation: Situation, build: Build | None = None
) -> Finding | str:
    """Return the finding, or `pass`, `unknown` or `skipped`."""
    try:
        if isinstance(rule, BuildRule):
            assert build is not None
            finding = rule.judge(build, situation)
        else:
            finding = rule.judge(situation)
    except Undecided:
        return "unknown"
    except NotApplicable:
        return "skipped"
    return finding or "pass"


def found(
    rule: BuildRule | SetRule | MachineRule, situation: Situation, build: Build | None = None
) -> Finding:
    """Return the finding that the rule must make."""
    result = judged(rule, situation, build)
    assert isinstance(result, Finding), result
    assert result.code == rule.code
    assert result.evidence
    assert result.fix.summary
    return result

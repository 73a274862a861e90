"""TK-07: the host compiler is too new for nvcc."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of, observed, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge gcc's major against the newest that the chosen toolkit takes, as its release row says."""
    machine = situation.machine
    toolkits = machine.toolkits.get() or ()
    if not toolkits:
        raise NotApplicable("no CUDA toolkit here")
    if variable_of(machine, "NVCC_CCBIN"):
        raise NotApplicable("NVCC_CCBIN names the compiler")
    compiler = limit_of(machine, "gcc")
    major = compiler.get()
    version = toolkits[0].version.get()
    if major is None or version is None:
        return None
    most = next(
        (
            release.gcc.major
            for release in situation.knowledge.cuda
            if release.version.release[:2] == version.release[:2] and release.gcc
        ),
        None,
    )
    if most is None:
        raise NotApplicable(f"the knowledge names no limit for CUDA {version}")
    if major <= most:
        return None
    return RULE.finding(
        f"gcc is {major}, nvcc of CUDA {version} takes {most} at most: extensions cannot be compiled",
        evidence=(
            observed("gcc", compiler),
            Evidence(toolkits[0].path, f"CUDA {version}", toolkits[0].version.source),
        ),
        cause="nvcc hands host code to gcc and knows its headers up to a version.",
        fix=Fix(
            "Only to build extensions: an older g++, or the environment's compiler package",
            (f"export NVCC_CCBIN=/usr/bin/g++-{most}",),
        ),
        verify="nvcc -ccbin $NVCC_CCBIN --version",
    )


RULE = MachineRule(
    code="TK-07",
    reason="other",
    layer="toolkit",
    severity="info",
    title="host compiler too new for nvcc",
    explanation="The limit stands in the toolkit's crt/host_config.h. It matters only to those who compile.",
    messages=("#error -- unsupported GNU version! gcc versions later than 13 are not supported!",),
    source="NVlabs/instant-ngp#1562; NVIDIA/cccl#10",
    judge=judge,
)

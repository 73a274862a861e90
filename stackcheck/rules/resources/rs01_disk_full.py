"""RS-01: too little disk for an installation."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu

__all__ = ["RULE"]

NEEDED = 10 << 30
"""Bytes that unpacking a framework with its CUDA libraries takes for a while."""


def judge(situation: Situation) -> Finding | None:
    """Judge the temporary directory; a machine without a GPU installs builds of a tenth of that size."""
    machine = situation.machine
    require_gpu(machine)
    free = limit_of(machine, "tmp_free_bytes")
    left = free.get()
    if left is None or left >= NEEDED:
        return None
    directory = variable_of(machine, "TMPDIR") or "the temporary directory"
    return RULE.finding(
        f"{directory} has {left / 2**30:.1f} GiB free; installing a GPU framework takes some {NEEDED >> 30}",
        evidence=(Evidence(directory, f"{left / 2**30:.1f} GiB free", free.source),),
        cause="Wheels are downloaded and unpacked there first, whatever room the environment's disk has; often it is"
        " kept in memory.",
        fix=Fix(
            "Name a directory on a large disk", ("export TMPDIR=$HOME/tmp && mkdir -p $TMPDIR",)
        ),
        verify="df -h ${TMPDIR:-/tmp}",
    )


RULE = MachineRule(
    code="RS-01",
    reason="other",
    layer="resources",
    severity="info",
    title="temporary directory too small for installing",
    explanation="It matters to those who install, and is no fault of what is installed.",
    messages=("OSError: [Errno 28] No space left on device",),
    source="pypa/pip#7745, #12444; huggingface/lerobot#59; easydiffusion/easydiffusion#1649",
    judge=judge,
)

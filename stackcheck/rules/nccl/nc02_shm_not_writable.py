"""NC-02: /dev/shm is not writable."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge this user's right to write there."""
    machine = situation.machine
    require_platform(machine, "linux", "wsl2", "jetson")
    require_gpu(machine)
    writable = limit_of(machine, "shm_writable")
    if writable.get() != 0:
        return None
    return RULE.finding(
        "this user may not write to shared memory (/dev/shm)",
        evidence=(
            observed(
                "shared memory", writable, lambda found: "writable" if found else "not writable"
            ),
        ),
        cause="Its mode is not 1777, or it is mounted read-only.",
        fix=Fix("Mount it anew", ("sudo mount -o remount,mode=1777,rw /dev/shm",), needs_root=True),
        verify="ls -ld /dev/shm",
    )


RULE = MachineRule(
    code="NC-02",
    reason="permission",
    layer="nccl",
    title="shared memory not writable",
    explanation="NCCL and the data loaders' workers share memory through files there.",
    messages=("NCCL WARN Call to shm_open failed : Permission denied",),
    source="NVIDIA/nccl#328",
    judge=judge,
)

"""NC-01: shared memory is too small for NCCL."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_platform

__all__ = ["RULE"]

PER_GPU = 64 << 20
"""Bytes that NCCL's shared buffers take per GPU, some ten MiB for each channel."""


def judge(situation: Situation) -> Finding | None:
    """Judge the free bytes of /dev/shm, where several GPUs talk to one another."""
    machine = situation.machine
    require_platform(machine, "linux", "wsl2")
    gpus = gpus_of(machine)
    if len(gpus) < 2:
        raise NotApplicable("one GPU talks to nobody")
    size, free = limit_of(machine, "shm_bytes"), limit_of(machine, "shm_free_bytes")
    wanted = PER_GPU * len(gpus)
    left = free.get()
    if left is None or left >= wanted:
        return None
    total = size.get() or 0
    return RULE.finding(
        f"shared memory has {left >> 20} MiB free of {total >> 20}; {len(gpus)} GPUs want some {wanted >> 20}",
        evidence=(
            Evidence("shared memory", f"{total >> 20} MiB, {left >> 20} MiB free", free.source),
            Evidence("GPUs", str(len(gpus)), machine.gpus.source),
        ),
        cause="A container gets 64 MiB by default; or nccl-* files of processes that died are left.",
        fix=Fix(
            "Give the container more shared memory, or delete what dead processes left",
            ("docker run --ipc=host --gpus all IMAGE", "ls -l /dev/shm/nccl-*"),
        ),
        verify="df -h /dev/shm",
    )


RULE = MachineRule(
    code="NC-01",
    reason="other",
    layer="nccl",
    title="shared memory too small for NCCL",
    explanation="NCCL's processes on one machine exchange data through /dev/shm where GPUs cannot reach each other.",
    messages=(
        "NCCL WARN Error: failed to extend /dev/shm/nccl-WU88OE to 9637892 bytes, error: No space left on device (28)",
    ),
    source="NVIDIA/nccl#525, #290, #1683; pytorch/ci-infra#490",
    judge=judge,
)

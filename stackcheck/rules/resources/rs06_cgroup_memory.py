"""RS-06: the cgroup's memory limit has killed processes."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the counter of kills, where the own cgroup has a limit."""
    machine = situation.machine
    limit, kills = limit_of(machine, "cgroup_memory_bytes"), limit_of(machine, "oom_kills")
    size = limit.get()
    if size is None or size < 0:
        raise NotApplicable("the own cgroup has no memory limit")
    count = kills.get()
    if not count:
        return None
    total = machine.host.memory_bytes.peek()
    of_all = f" of the machine's {total / 2**30:.0f}" if total else ""
    return RULE.finding(
        f"{count} processes were killed at the memory limit of {size / 2**30:.1f} GiB{of_all}",
        evidence=(
            Evidence("memory limit", f"{size} bytes", limit.source),
            observed("kills", kills),
        ),
        cause="The container, job or service may use no more; the kernel ends what goes beyond.",
        fix=Fix(
            "Raise the limit, or use fewer data loader workers and less pinned memory",
            ("docker run --memory 64g --gpus all IMAGE",),
        ),
        verify="cat /sys/fs/cgroup/memory.events",
    )


RULE = MachineRule(
    code="RS-06",
    reason="other",
    layer="resources",
    severity="warning",
    title="killed at the memory limit",
    explanation="The process ends with status 137 and `Killed`; nothing else is said.",
    messages=("Killed",),
    source="sanchit-gandhi/whisper-jax#211",
    judge=judge,
)

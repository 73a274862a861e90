"""RS-05: the address space is limited."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of, limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu

__all__ = ["RULE"]

OVERCOMMIT = "/proc/sys/vm/overcommit_memory"
NEVER = "2"


def judge(situation: Situation) -> Finding | None:
    """Judge the process's limit, and the kernel's strictness about promised memory."""
    machine = situation.machine
    require_gpu(machine)
    limit = limit_of(machine, "address_space_bytes")
    size = limit.get()
    strict = False
    if OVERCOMMIT in machine.host.files:
        strict = (file_of(machine, OVERCOMMIT).get() or "").strip() == NEVER
    limited = size is not None and size >= 0
    if not limited and not strict:
        return None
    return RULE.finding(
        f"the address space is limited to {(size or 0) >> 30} GiB; CUDA reserves twice the GPU's memory"
        if limited
        else "the kernel promises no memory that it does not have (overcommit_memory is 2), and CUDA reserves much",
        evidence=(
            *(
                (Evidence("limit of the address space", f"{size} bytes", limit.source),)
                if limited
                else ()
            ),
            *((Evidence(OVERCOMMIT, NEVER, OVERCOMMIT),) if strict else ()),
        ),
        cause="CUDA reserves ranges of addresses of about twice the device memory at its start, without using them.",
        fix=Fix(
            "Lift the limit, and bound resident memory by a cgroup instead",
            ("ulimit -v unlimited",) if limited else ("sudo sysctl vm.overcommit_memory=0",),
            needs_root=not limited,
        ),
        verify="ulimit -v; cat /proc/sys/vm/overcommit_memory",
        severity="error" if limited else "warning",
    )


RULE = MachineRule(
    code="RS-05",
    reason="other",
    layer="resources",
    severity="warning",
    title="address space limited",
    explanation="`ulimit -v` bounds addresses, not memory; schedulers still set it here and there.",
    messages=("out of memory (2) at cuInit with an empty GPU",),
    source="NVIDIA/cuda-python#2458",
    judge=judge,
)

"""RS-04: kernel caches cannot be written."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of, require_gpu

__all__ = ["RULE"]

_CACHES = {
    "cupy": ("cupy_cache_writable", "CuPy's", "CUPY_CACHE_DIR"),
    "triton": ("triton_cache_writable", "Triton's", "TRITON_CACHE_DIR"),
    "": ("cuda_cache_writable", "CUDA's", "CUDA_CACHE_PATH"),
}


def judge(situation: Situation) -> Finding | None:
    """Judge the caches of what is installed, and the driver's own."""
    machine = situation.machine
    require_gpu(machine)
    names = set(distributions_of(machine))
    looked_at = [
        entry
        for user, entry in _CACHES.items()
        if entry[0] in machine.host.limits and any(name.startswith(user) for name in names)
    ]
    if not looked_at:
        raise NotApplicable("not looked at: kernel caches")
    closed = [entry for entry in looked_at if limit_of(machine, entry[0]).get() == 0]
    if not closed:
        return None
    _, owner, variable = closed[0]
    return RULE.finding(
        f"{owner} cache of compiled kernels cannot be written",
        evidence=tuple(
            observed(
                f"{owner} cache",
                limit_of(machine, name),
                lambda found: "writable" if found else "not writable",
            )
            for name, owner, _ in closed
        ),
        cause="HOME is unset or read-only, or the directory belongs to root.",
        fix=Fix("Give it a place that can be written", (f"export {variable}=$(mktemp -d)",)),
        verify=f"ls -ld ${variable}",
    )


RULE = MachineRule(
    code="RS-04",
    reason="permission",
    layer="resources",
    severity="warning",
    title="kernel caches not writable",
    explanation="Some programs stop with a PermissionError, others compile anew at every start.",
    messages=("PermissionError in the Triton or CuPy cache",),
    source="CuPy reference, Environment variables; pytorch/pytorch#184362",
    judge=judge,
)

"""NC-10: the locked-memory limit is too low for RDMA."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu

__all__ = ["RULE"]

UNLIMITED = -1


def judge(situation: Situation) -> Finding | None:
    """Judge the limit where there are RDMA devices."""
    machine = situation.machine
    require_gpu(machine)
    if not limit_of(machine, "infiniband_devices").get():
        raise NotApplicable("no RDMA device here")
    limit = limit_of(machine, "memlock_bytes")
    value = limit.get()
    if value is None or value == UNLIMITED:
        return None
    return RULE.finding(
        f"locked memory is limited to {value >> 20} MiB; RDMA wants it unlimited",
        evidence=(
            observed("locked memory", limit, lambda found: f"{found} bytes"),
            observed("RDMA devices", limit_of(machine, "infiniband_devices")),
        ),
        cause="Buffers that a network card reads must stay in memory, and the limit counts them.",
        fix=Fix(
            "Lift the limit",
            (
                "echo '* - memlock unlimited' | sudo tee /etc/security/limits.d/memlock.conf",
                "docker run --ulimit memlock=-1 --gpus all IMAGE",
            ),
            needs_root=True,
        ),
        verify="ulimit -l",
    )


RULE = MachineRule(
    code="NC-10",
    reason="other",
    layer="nccl",
    severity="warning",
    title="locked-memory limit too low",
    explanation="ibv_reg_mr pins memory; the shell's, container's or service's limit bounds it.",
    messages=("NCCL WARN Call to ibv_reg_mr_iova2 failed with error Cannot allocate memory",),
    source="NVIDIA/nccl-tests#206; NVIDIA/cudf-spark#7632",
    judge=judge,
)

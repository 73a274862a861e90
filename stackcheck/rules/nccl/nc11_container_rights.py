"""NC-11: NCCL lacks rights inside a container."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, container_of, gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the capability to lock memory, where the host has RDMA devices."""
    machine = situation.machine
    container_of(machine)
    gpus_of(machine)
    if not limit_of(machine, "infiniband_devices").get():
        raise NotApplicable("no RDMA device here")
    right = limit_of(machine, "ipc_lock")
    if right.get():
        return None
    return RULE.finding(
        "the container lacks CAP_IPC_LOCK, and its host has RDMA devices",
        evidence=(
            observed("CAP_IPC_LOCK", right, lambda found: "yes" if found else "no"),
            observed("RDMA devices", limit_of(machine, "infiniband_devices")),
        ),
        cause="NCCL pins memory for the network card; without the right it fails, and --privileged only hides that.",
        fix=Fix(
            "Grant that right and the devices, not privilege",
            ("docker run --cap-add IPC_LOCK --device /dev/infiniband --ipc=host --gpus all IMAGE",),
        ),
        verify="grep CapEff /proc/self/status",
    )


RULE = MachineRule(
    code="NC-11",
    reason="permission",
    layer="nccl",
    severity="warning",
    title="NCCL lacks rights in the container",
    explanation="RDMA in a container needs CAP_IPC_LOCK and /dev/infiniband.",
    source="NVIDIA/nccl#1925; vllm-project/vllm#28305",
    judge=judge,
)

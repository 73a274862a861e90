"""DV-08: the NVLink fabric is degraded or misconfigured."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.devices.dv06_fabric_manager import COMPLETED
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_platform

__all__ = ["RULE"]

DEGRADED_BANDWIDTH, ROUTE_UNHEALTHY, ACCESS_TIMEOUT, CONFIGURATION = 0, 4, 6, 8
"""Positions of the fields in NVML's health mask (nvml.h: NVML_GPU_FABRIC_HEALTH_MASK_SHIFT_*)."""
SUMMARIES = {2: "unhealthy", 3: "limited capacity"}
"""NVML's health summary, where it is not well."""
_TRUE = 1
_CONFIGURATION_NONE = 1


def trouble(mask: int) -> str:
    """Return what a health mask says is wrong; empty if nothing."""
    words = [
        text
        for shift, text in (
            (DEGRADED_BANDWIDTH, "bandwidth is degraded"),
            (ROUTE_UNHEALTHY, "a route is unhealthy"),
            (ACCESS_TIMEOUT, "access timed out"),
        )
        if mask >> shift & 0b11 == _TRUE
    ]
    if mask >> CONFIGURATION & 0b1111 > _CONFIGURATION_NONE:
        words.append("the configuration is incorrect")
    return ", ".join(words)


def judge(situation: Situation) -> Finding | None:
    """Judge the health mask of each GPU whose fabric is set up."""
    machine = situation.machine
    require_platform(machine, "linux")
    every = gpus_of(machine)
    gpus = [gpu for gpu in every if gpu.fabric_state.peek() == COMPLETED]
    if not gpus:
        for gpu in every if machine.driver.module.nvswitches.get() else ():
            gpu.fabric_state.get()
        raise NotApplicable("no GPU is registered in an NVLink fabric")
    sick = [gpu for gpu in gpus if gpu.fabric_summary.peek() in SUMMARIES] or find_all(
        gpus, lambda gpu: gpu.fabric_health, lambda mask: bool(trouble(mask))
    )
    if not sick:
        return None
    words = (
        trouble(sick[0].fabric_health.peek() or 0) or SUMMARIES[sick[0].fabric_summary.peek() or 0]
    )
    return RULE.finding(
        f"the NVLink fabric of {len(sick)} of {len(gpus)} GPUs is not healthy: {words}",
        evidence=tuple(
            observed(
                f"fabric health of GPU {gpu.index}",
                gpu.fabric_health,
                lambda mask: f"0x{mask:x} ({trouble(mask)})",
            )
            for gpu in sick
        ),
        cause="A link or switch failed, or the fabric manager's configuration does not fit the machine.",
        fix=Fix(
            "Restart the fabric manager with no jobs running and check the links; NCCL_NVLS_ENABLE=0 is a detour",
            ("sudo systemctl restart nvidia-fabricmanager", "nvidia-smi nvlink -s"),
            needs_root=True,
        ),
        verify="nvidia-smi -q | grep -A12 Fabric",
    )


RULE = MachineRule(
    code="DV-08",
    reason="other",
    layer="devices",
    severity="warning",
    title="NVLink fabric degraded",
    explanation="The fabric is up, and reports degraded bandwidth, unhealthy routes or a wrong configuration. NVLink"
    " SHARP then fails or everything is slow.",
    messages=("Failed to bind NVLink SHARP (NVLS) Multicast memory",),
    source="NVIDIA/nccl: src/transport/nvls.cc, #2186; pytorch/ci-infra#541",
    judge=judge,
)

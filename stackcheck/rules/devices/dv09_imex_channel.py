"""DV-09: no IMEX channel for multi-node NVLink."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.devices.dv06_fabric_manager import COMPLETED
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_platform

__all__ = ["RULE"]

CHANNELS = "nvidia-caps-imex-channels"


def judge(situation: Situation) -> Finding | None:
    """Judge the channels of a machine whose NVLink fabric is run by switch trays, not by switches of its own."""
    machine = situation.machine
    require_platform(machine, "linux")
    gpus = gpus_of(machine)
    driver = machine.driver
    if CHANNELS not in (driver.module.device_majors.get() or {}):
        raise NotApplicable("the driver offers no IMEX channels")
    if driver.module.nvswitches.get() or not any(
        gpu.fabric_state.get() == COMPLETED for gpu in gpus
    ):
        raise NotApplicable("NVLink does not leave this machine")
    channels = [node for node in driver.nodes.get() or () if CHANNELS in node.path]
    if any(node.usable.get() for node in channels):
        return None
    state = "none can be opened" if channels else "there is none"
    return RULE.finding(
        f"NVLink reaches other nodes and needs an IMEX channel: {state}",
        evidence=(
            observed("majors in /proc/devices", driver.module.device_majors),
            observed(
                "channels",
                driver.nodes,
                lambda nodes: (
                    ", ".join(node.path for node in nodes if CHANNELS in node.path) or "none"
                ),
            ),
        ),
        cause="Memory is shared across nodes through IMEX channels, which are device nodes; this process has none.",
        fix=Fix(
            "Create the channel by the module option, run nvidia-imex, and pass the node into containers;"
            " NCCL_MNNVL_ENABLE=0 is a detour",
            (
                "echo 'options nvidia NVreg_CreateImexChannel0=1' | sudo tee /etc/modprobe.d/nvidia-imex.conf",
                "sudo systemctl enable --now nvidia-imex",
            ),
            needs_root=True,
        ),
        verify="ls -l /dev/nvidia-caps-imex-channels",
        severity="warning",
    )


RULE = MachineRule(
    code="DV-09",
    reason="permission",
    layer="devices",
    severity="warning",
    title="no IMEX channel for multi-node NVLink",
    explanation="On racks of the NVL72 kind GPUs of several nodes share memory. IMEX guards that by channels.",
    messages=("CUDA_ERROR_NOT_PERMITTED from cuMemCreate",),
    source="microsoft/mscclpp#467; NVIDIA/nvbandwidth#39, #46; NVIDIA/nccl#1483",
    judge=judge,
)

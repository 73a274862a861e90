"""CT-05: the GPU vanished from a running container."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.devices.dv02_no_permission import FOR_EVERYBODY, opens_gpu
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import container_of, require_gpu, require_platform

__all__ = ["RULE"]

UNKNOWN_ERROR = 999
"""NVML_ERROR_UNKNOWN."""


def judge(situation: Situation) -> Finding | None:
    """Judge NVML's unknown error where the nodes are there and cannot be opened."""
    machine = situation.machine
    container = container_of(machine)
    require_platform(machine, "linux")
    require_gpu(machine)
    driver = machine.driver
    if driver.nvml_code.get() != UNKNOWN_ERROR:
        return None
    closed = [
        node
        for node in driver.nodes.get() or ()
        if opens_gpu(node)
        and node.usable.get() is False
        and (node.mode.get() or 0) & FOR_EVERYBODY == FOR_EVERYBODY
    ]
    if not closed:
        return None
    return RULE.finding(
        f"NVML answers 999 and {len(closed)} device nodes cannot be opened: the container lost its GPU",
        evidence=(
            observed("nvmlInit", driver.nvml_code, code_text),
            *(Evidence(node.path, "cannot be opened", node.usable.source) for node in closed),
            Evidence("container", container.engine, machine.host.container.source),
        ),
        cause="`systemctl daemon-reload` on the host makes systemd write the container's device rules anew, without"
        " the GPU, which the toolkit's hook had added behind its back.",
        fix=Fix(
            "Recreate the container; on the host pass GPUs by CDI, or make the links for the nodes",
            (
                "docker restart CONTAINER",
                "sudo nvidia-ctk system create-dev-char-symlinks --create-all",
            ),
            needs_root=True,
        ),
        verify="nvidia-smi -L",
    )


RULE = MachineRule(
    code="CT-05",
    reason="permission",
    layer="containers",
    title="the GPU vanished from a running container",
    explanation="With the systemd cgroup driver, and device nodes without links in /dev/char, a reload of systemd"
    " takes the GPU away.",
    messages=("Failed to initialize NVML: Unknown Error",),
    source="NVIDIA/nvidia-container-toolkit#48, #251, #1227; NVIDIA/nvidia-docker#1671",
    judge=judge,
)

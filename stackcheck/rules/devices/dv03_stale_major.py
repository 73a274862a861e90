"""DV-03: a device node carries a stale major number."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge each node's major against /proc/devices."""
    machine = situation.machine
    require_module(machine)
    majors = machine.driver.module.device_majors.get() or {}
    gpu_major = majors.get("nvidia", majors.get("nvidia-frontend"))
    stale = []
    for node in machine.driver.nodes.get() or ():
        name = node.path.removeprefix("/dev/nvidia")
        wanted = majors.get("nvidia-uvm") if name.startswith("-uvm") else None
        wanted = gpu_major if name.isdigit() or name == "ctl" else wanted
        major = node.major.get() if wanted is not None else None
        if major is not None and major != wanted:
            stale.append((node, major, wanted))
    if not stale:
        return None
    node, major, wanted = stale[0]
    container = machine.host.container.peek()
    return RULE.finding(
        f"{node.path} has major number {major}, the kernel says {wanted}",
        evidence=(
            *(Evidence(node.path, f"major {major}", node.major.source) for node, major, _ in stale),
            observed("majors in /proc/devices", machine.driver.module.device_majors),
        ),
        cause="The module was loaded anew and got another number (nvidia-uvm's is dynamic), and the node is from"
        " before.",
        fix=Fix(
            "Recreate the container, and its CDI specification if it has one",
            ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",),
            needs_root=True,
        )
        if container
        else Fix(
            "Delete the node and make it anew",
            (f"sudo rm {node.path}", "sudo nvidia-modprobe -c 0 -u"),
            needs_root=True,
        ),
        verify=f"ls -l {node.path}; grep nvidia /proc/devices",
        ruled_out=("the device nodes exist",),
    )


RULE = MachineRule(
    code="DV-03",
    reason="no-driver",
    layer="devices",
    title="device node with a stale major number",
    explanation="A node leads to a driver by number. After a reload the number may be another one, and the old node"
    " leads nowhere or to somebody else.",
    messages=("No such device or address", "CUDA unknown error"),
    source="NVIDIA/nvidia-container-toolkit: internal/info/proc/devices/devices.go",
    judge=judge,
)

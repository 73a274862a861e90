"""DV-02: this user may not open the device nodes."""

from __future__ import annotations

from stackcheck.model.driver import DeviceNode
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, drives_gpus_by_module

__all__ = ["FOR_EVERYBODY", "RULE", "opens_gpu"]

NO_PERMISSION = 4
"""NVML_ERROR_NO_PERMISSION."""
FOR_EVERYBODY = 0o006


def opens_gpu(node: DeviceNode) -> bool:
    """Tell whether CUDA opens this node; capability and switch nodes are not for everybody by design."""
    name = node.path.removeprefix("/dev/nvidia")
    return name.isdigit() or name in ("ctl", "-uvm")


def judge(situation: Situation) -> Finding | None:
    """Judge each node's mode, and what NVML answered."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    driver = machine.driver
    nodes = [node for node in driver.nodes.peek() or () if opens_gpu(node)]
    closed = [
        node
        for node in nodes
        if node.usable.peek() is False
        and (mode := node.mode.peek()) is not None
        and mode & FOR_EVERYBODY != FOR_EVERYBODY
    ]
    if not closed and driver.nvml_code.peek() != NO_PERMISSION:
        driver.nodes.get()
        if not nodes:
            raise NotApplicable("there are no device nodes")
        for node in nodes:
            node.usable.get()
        return None
    group = next((node.group.peek() for node in closed if node.group.peek()), None)
    join = f'sudo usermod -aG "$(getent group {group} | cut -d: -f1)" "$USER"' if group else ""
    shown = ", ".join(node.path for node in closed)
    return RULE.finding(
        f"no permission on {len(closed)} of {len(nodes)} device nodes: {shown}"
        if closed
        else "NVML answers that this user has no permission",
        evidence=(
            *(
                Evidence(
                    node.path,
                    f"mode {node.mode.peek() or 0:04o}, owner {node.owner.peek()}, group {node.group.peek()}",
                    node.mode.source,
                )
                for node in closed
            ),
            observed(
                "nvmlInit", driver.nvml_code, lambda code: f"error {code}" if code else "success"
            ),
        ),
        cause="The nodes are not open to everybody (0666): a module option or a udev rule gives them to one group.",
        fix=Fix(
            "Join the group and log in again, or open the nodes by the module option"
            if join
            else "Open the nodes to everybody by the module option, then reload the module",
            (
                *((join,) if join else ()),
                "echo 'options nvidia NVreg_DeviceFileMode=0666' | sudo tee /etc/modprobe.d/nvidia-nodes.conf",
            ),
            needs_root=True,
        ),
        verify="nvidia-smi -L",
        ruled_out=("the device nodes exist",) if closed else (),
    )


RULE = MachineRule(
    code="DV-02",
    reason="permission",
    layer="devices",
    title="no permission on the device nodes",
    explanation="CUDA opens /dev/nvidiactl, /dev/nvidia-uvm and /dev/nvidia<minor> for reading and writing. By default"
    " everybody may; NVreg_DeviceFileMode and udev rules can narrow that.",
    messages=(
        "Failed to initialize NVML: Insufficient Permissions",
        "nvidia-container-cli: initialization error: nvml error: insufficient permissions",
    ),
    source="NVIDIA/nvidia-docker#1523, #1608, #1718; NVIDIA/nvidia-container-toolkit#210",
    judge=judge,
)

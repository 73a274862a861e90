"""DV-01: device nodes are missing although the module is loaded."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge /dev against the minors that the module gave its GPUs."""
    machine = situation.machine
    require_module(machine)
    container = machine.host.container.get()
    if container is not None and container.engine != "apptainer":
        raise NotApplicable("a container has only the nodes that it was given (CT-03)")
    present = {node.path for node in machine.driver.nodes.get() or ()}
    minors = [
        function.minor.get()
        for function in machine.pci.get() or ()
        if function.driver.peek() == "nvidia"
    ]
    wanted = ["/dev/nvidiactl", *(f"/dev/nvidia{minor}" for minor in minors if minor is not None)]
    missing = [path for path in wanted if path not in present]
    if not missing:
        return None
    return RULE.finding(
        f"{len(missing)} of {len(wanted)} device nodes are missing: {', '.join(missing)}",
        evidence=(
            observed("loaded nvidia module", machine.driver.module.version),
            Evidence("nodes under /dev", ", ".join(sorted(present)) or "none", "/dev"),
        ),
        cause="The nodes are made by nvidia-modprobe or the persistence daemon when first used. The helper is"
        " missing, or lacks its setuid bit, or nothing ran it since boot.",
        fix=Fix(
            "Make the nodes now, and have the daemon make them at every boot",
            ("sudo nvidia-modprobe -c 0 -u", "sudo systemctl enable --now nvidia-persistenced"),
            needs_root=True,
        ),
        verify="ls -l /dev/nvidia*",
        ruled_out=("the kernel module is loaded",),
    )


RULE = MachineRule(
    code="DV-01",
    reason="no-driver",
    layer="devices",
    title="device nodes missing",
    explanation="Programs reach the driver through /dev/nvidiactl and /dev/nvidia<minor>. Unlike most drivers, this"
    " one does not have the kernel make them.",
    messages=("NVIDIA-SMI has failed", "Found no NVIDIA driver on your system"),
    source="NVIDIA/nvidia-modprobe: modprobe-utils; NVIDIA/nvidia-docker#365",
    judge=judge,
    follows=("KM-01", "KM-02", "HW-15"),
)

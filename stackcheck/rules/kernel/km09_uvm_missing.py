"""KM-09: nvidia_uvm is not loaded, or its node is missing."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge module and node; cuInit loads them by nvidia-modprobe, so its success settles it."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_module(machine)
    driver = machine.driver
    if driver.cuinit_code.peek() == 0:
        return None
    nodes = {node.path for node in driver.nodes.get() or ()}
    if "/dev/nvidiactl" not in nodes:
        raise NotApplicable("no device nodes at all (DV-01, CT-03)")
    loaded = driver.module.uvm_loaded.get()
    if loaded and "/dev/nvidia-uvm" in nodes:
        return None
    container = machine.host.container.get()
    title = "the nvidia_uvm module is not loaded" if not loaded else "/dev/nvidia-uvm is missing"
    return RULE.finding(
        f"{title}, so CUDA cannot start while nvidia-smi works",
        evidence=(
            observed("nvidia_uvm loaded", driver.module.uvm_loaded),
            observed(
                "device nodes", driver.nodes, lambda found: ", ".join(node.path for node in found)
            ),
            observed("cuInit", driver.cuinit_code, code_text),
        ),
        cause="CUDA needs the unified-memory module and its node; NVML does not. nvidia-modprobe makes both when it"
        " is installed with its setuid bit.",
        fix=Fix(
            "Recreate the container with --device /dev/nvidia-uvm, or through the container toolkit"
        )
        if container and loaded
        else Fix(
            "Load the module and make its node", ("sudo nvidia-modprobe -c 0 -u",), needs_root=True
        ),
        verify="ls -l /dev/nvidia-uvm",
        ruled_out=("the nvidia module is loaded",),
    )


RULE = MachineRule(
    code="KM-09",
    reason="no-driver",
    layer="kernel",
    title="nvidia_uvm missing",
    explanation="nvidia_uvm manages memory shared by host and GPU. Without it cuInit fails with 999 although"
    " nvidia-smi lists the GPU.",
    messages=("CUDA unknown error - this may be due to an incorrectly set up environment",),
    source="pytorch/pytorch#49081; NVIDIA/nvidia-docker#1085",
    judge=judge,
)

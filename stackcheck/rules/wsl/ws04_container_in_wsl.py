"""WS-04: the GPU works in WSL and not in its containers."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import container_of, require_platform

__all__ = ["RULE"]

OPERATING_SYSTEM = 17


def judge(situation: Situation) -> Finding | None:
    """Judge the device and NVML's word, inside a container of WSL."""
    machine = situation.machine
    require_platform(machine, "wsl2")
    container_of(machine)
    driver = machine.driver
    has_device = any(node.path == "/dev/dxg" for node in driver.nodes.get() or ())
    if has_device and driver.nvml_code.get() != OPERATING_SYSTEM:
        return None
    return RULE.finding(
        "this container in WSL may not use the GPU"
        if has_device
        else "/dev/dxg was not passed into this container",
        evidence=(
            observed(
                "device nodes",
                driver.nodes,
                lambda found: ", ".join(node.path for node in found) or "none",
            ),
            observed("nvmlInit", driver.nvml_code, code_text),
        ),
        cause="The container was started without GPUs, the toolkit's configuration forbids the device, or the Windows"
        " driver was updated meanwhile.",
        fix=Fix(
            "Restart WSL and the container with its GPUs; Docker Desktop has a GPU switch of its own",
            (
                "docker run --gpus all IMAGE",
                "sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=true --in-place",
            ),
        ),
        verify="nvidia-smi -L",
    )


RULE = MachineRule(
    code="WS-04",
    reason="container-toolkit-missing",
    layer="wsl",
    title="GPU works in WSL but not in its containers",
    explanation="Containers in WSL need /dev/dxg and Windows' libraries, which the toolkit passes.",
    messages=("GPU access blocked by the operating system",),
    source="microsoft/WSL#9962; NVIDIA/nvidia-docker#1551",
    judge=judge,
    follows=("CT-03",),
)

"""CT-03: the container was started without a GPU."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import container_of, require_gpu

__all__ = ["RULE"]

COMMANDS = {
    "docker": ("docker run --gpus all IMAGE",),
    "podman": ("podman run --device nvidia.com/gpu=all IMAGE",),
    "apptainer": ("apptainer exec --nv IMAGE COMMAND",),
    "kubernetes": ("kubectl explain pod.spec.containers.resources.limits",),
}


def judge(situation: Situation) -> Finding | None:
    """Judge the nodes and the driver's libraries inside a container on a machine that has a GPU."""
    machine = situation.machine
    container = container_of(machine)
    require_gpu(machine)
    driver = machine.driver
    nodes = driver.nodes.get() or ()
    if any(node.path in ("/dev/nvidiactl", "/dev/dxg") for node in nodes):
        return None
    if driver.nvml_library.get() is not None and container.driver_mounts.peek():
        return None
    summary = {
        "kubernetes": "Ask for a GPU in the pod: resources.limits 'nvidia.com/gpu: 1'",
        "apptainer": "Start it with --nv",
    }.get(container.engine, "Recreate the container with its GPUs")
    return RULE.finding(
        f"this {container.engine} container has no GPU, and its host has"
        f" {len(machine.pci.peek() or ()) or 'one'}",
        evidence=(
            observed("NVIDIA functions on the PCI bus", machine.pci, lambda found: str(len(found))),
            observed(
                "device nodes",
                driver.nodes,
                lambda found: ", ".join(node.path for node in found) or "none",
            ),
            observed("libnvidia-ml.so.1", driver.nvml_library, lambda library: library.path),
        ),
        cause="The container was created without asking for GPUs, so neither the device nodes nor the driver's"
        " libraries were put into it.",
        fix=Fix(summary, COMMANDS.get(container.engine, COMMANDS["docker"])),
        verify="nvidia-smi -L",
        ruled_out=("the host has an NVIDIA GPU on its bus",),
    )


RULE = MachineRule(
    code="CT-03",
    reason="no-driver",
    layer="containers",
    title="container started without a GPU",
    explanation="A container sees a GPU only if its engine was told to pass the device nodes and to mount the"
    " driver's libraries. An image cannot ask for it by itself.",
    messages=(
        "Found no NVIDIA driver on your system",
        "libcuda.so.1: cannot open shared object file: No such file or directory",
    ),
    source="AbdBarho/stable-diffusion-webui-docker#348; NVIDIA/nvidia-docker#1085",
    judge=judge,
    follows=("CT-06",),
)

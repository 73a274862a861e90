"""DV-04: a cgroup blocks the GPU."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.devices.dv02_no_permission import FOR_EVERYBODY, opens_gpu
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module

__all__ = ["RULE"]

OPERATING_SYSTEM = 17
"""NVML_ERROR_OPERATING_SYSTEM."""


def judge(situation: Situation) -> Finding | None:
    """Judge nodes that their mode opens and the kernel does not, and NVML's own word for it."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    driver = machine.driver
    variables = machine.host.variables.peek() or {}
    job = variables.get("SLURM_JOB_ID")
    asked = any(variables.get(name) for name in ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS"))
    nodes = [node for node in driver.nodes.peek() or () if opens_gpu(node)]
    blocked = [
        node
        for node in nodes
        if node.usable.peek() is False
        and (mode := node.mode.peek()) is not None
        and mode & FOR_EVERYBODY == FOR_EVERYBODY
    ]
    if not blocked and driver.nvml_code.peek() != OPERATING_SYSTEM:
        driver.nvml_code.get()
        for node in driver.nodes.get() or ():
            if opens_gpu(node):
                node.usable.get()
        return None
    title = (
        f"the cgroup blocks {len(blocked)} of {len(nodes)} device nodes"
        if blocked
        else "NVML is blocked by the operating system"
    )
    if job and not asked:
        title += f"; Slurm job {job} asked for no GPU"
    return RULE.finding(
        title,
        evidence=(
            *(
                Evidence(
                    node.path,
                    f"mode {node.mode.peek() or 0:04o}, and cannot be opened",
                    node.usable.source,
                )
                for node in blocked
            ),
            observed("nvmlInit", driver.nvml_code, code_text),
            *((Evidence("SLURM_JOB_ID", job, machine.host.variables.source),) if job else ()),
        ),
        cause="The device rules of this process's cgroup leave the GPU out: a batch job without a GPU request, or a"
        " container whose rules were reset.",
        fix=Fix("Ask the scheduler for GPUs", ("srun --gres=gpu:1 --pty bash",))
        if job
        else Fix("Recreate the container with its GPUs, or mend the device rules of the service"),
        verify="nvidia-smi -L",
        ruled_out=("the nodes' own mode lets everybody in",) if blocked else (),
    )


RULE = MachineRule(
    code="DV-04",
    reason="permission",
    layer="devices",
    title="the cgroup blocks the GPU",
    explanation="Schedulers and container engines fence GPUs off by device cgroups: the node is there, its mode lets"
    " everybody in, and opening it still fails.",
    messages=("GPU access blocked by the operating system", "no CUDA-capable device is detected"),
    source="NVIDIA/go-nvml: nvml.h (NVML_ERROR_OPERATING_SYSTEM)",
    judge=judge,
    follows=("CT-05",),
)

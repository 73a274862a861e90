"""CT-13: data loader workers will die in a small /dev/shm."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, container_of

__all__ = ["RULE"]

DEFAULT = 64 << 20
"""What container engines give if nobody asks for more."""


def judge(situation: Situation) -> Finding | None:
    """Judge the size of shared memory in a container with a framework that loads data by processes."""
    machine = situation.machine
    container = container_of(machine)
    if container.engine == "apptainer":
        raise NotApplicable("Apptainer shares the host's shared memory")
    if not any(build.framework == "pytorch" for build in situation.builds):
        raise NotApplicable("nothing installed loads data through shared memory")
    size = limit_of(machine, "shm_bytes")
    value = size.get()
    if value is None or value > DEFAULT:
        return None
    fix = {
        "kubernetes": Fix("Mount a memory-backed emptyDir at /dev/shm"),
    }.get(
        container.engine,
        Fix("Give the container more shared memory", ("docker run --ipc=host --gpus all IMAGE",)),
    )
    return RULE.finding(
        f"shared memory is {value >> 20} MiB in this container: data loader workers will be killed",
        evidence=(
            Evidence("size of shared memory", f"{value >> 20} MiB", size.source),
            Evidence("container", container.engine, machine.host.container.source),
        ),
        cause="PyTorch's workers hand batches over through /dev/shm, and the engine's default is 64 MiB.",
        fix=fix,
        verify="df -h /dev/shm",
    )


RULE = MachineRule(
    code="CT-13",
    reason="other",
    layer="containers",
    severity="warning",
    title="shared memory too small for data loaders",
    explanation="A worker that writes past the end of /dev/shm gets a bus error.",
    messages=(
        "RuntimeError: DataLoader worker (pid 46) is killed by signal: Bus error. It is possible that dataloader's",
    ),
    source="pytorch/pytorch#5040, #1355; bytedance/Protenix#2",
    judge=judge,
)

"""VS-07: the GPU's memory is taken by others, or by nobody."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.gpu import Gpu
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]

TAKEN = 0.9
"""Share of the memory from which a newcomer will fail."""


def _share(gpu: Gpu) -> float:
    """Return the share that is taken. Raises `Undecided`."""
    total, free = gpu.memory_bytes.get(), gpu.memory_free_bytes.get()
    return 1 - free / total if total and free is not None else 0.0


def judge(situation: Situation) -> Finding | None:
    """Judge the share that is taken, and by how many processes that this user may see."""
    gpus = gpus_of(situation.machine)
    full = [gpu for gpu in gpus if _share(gpu) >= TAKEN]
    if not full:
        return None
    gpu = full[0]
    pids = gpu.processes.peek() or ()
    who = (
        f"by process {', '.join(map(str, pids[:4]))}"
        if pids
        else "and no process that may be seen holds it"
    )
    return RULE.finding(
        f"{_share(gpu):.0%} of the memory of GPU {gpu.index} is taken, {who}",
        evidence=tuple(
            line
            for gpu in full
            for line in (
                Evidence(
                    f"free memory of GPU {gpu.index}",
                    _free_of(gpu),
                    gpu.memory_free_bytes.source,
                ),
                Evidence(
                    f"processes on GPU {gpu.index}",
                    ", ".join(map(str, gpu.processes.peek() or ())) or "none",
                    gpu.processes.source,
                ),
            )
        ),
        cause="Somebody is computing on it."
        if pids
        else "A process of another container or user holds it, or one died and left it taken.",
        fix=Fix(
            "Wait, take another GPU, or end the process; reset the GPU if memory stays taken with none alive",
            (f"export CUDA_VISIBLE_DEVICES={_freest(gpus)}", "nvidia-smi"),
        ),
        verify="nvidia-smi --query-gpu=memory.free --format=csv",
        severity="error" if len(full) == len(gpus) else "warning",
    )


def _free_of(gpu: Gpu) -> str:
    free, total = gpu.memory_free_bytes.peek() or 0, gpu.memory_bytes.peek() or 0
    return f"{free >> 20} of {total >> 20} MiB"


def _freest(gpus: tuple[Gpu, ...]) -> int:
    return max(gpus, key=lambda gpu: gpu.memory_free_bytes.peek() or 0).index


RULE = MachineRule(
    code="VS-07",
    reason="out-of-memory-other-process",
    layer="visibility",
    severity="warning",
    title="GPU memory taken by others",
    explanation="Memory of a GPU is first come, first served. What others hold is missing from the start.",
    messages=("CUDA out of memory",),
    source="jade-hpc-gpu/jade-hpc-gpu.github.io#73; jax-ml/jax#17217",
    judge=judge,
)

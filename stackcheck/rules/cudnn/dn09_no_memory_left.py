"""DN-09: cuDNN cannot start because the GPU's memory is gone."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import find_all
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of

__all__ = ["RULE"]

NEEDED = 512 << 20
"""Bytes that a CUDA context with cuDNN and its first workspace takes."""


def judge(situation: Situation) -> Finding | None:
    """Judge free memory, where a framework that preallocates or uses cuDNN is installed."""
    gpus = gpus_of(situation.machine)
    if not any(build.is_gpu for build in situation.builds):
        raise NotApplicable("no GPU build is installed")
    full = find_all(gpus, lambda gpu: gpu.memory_free_bytes, lambda free: free < NEEDED)
    if not full:
        return None
    free = (full[0].memory_free_bytes.peek() or 0) >> 20
    return RULE.finding(
        f"GPU {full[0].index} has {free} MiB free; cuDNN needs some {NEEDED >> 20} MiB to start",
        evidence=tuple(
            Evidence(
                f"free memory of GPU {gpu.index}",
                f"{(gpu.memory_free_bytes.peek() or 0) >> 20} MiB",
                gpu.memory_free_bytes.source,
            )
            for gpu in full
        ),
        cause="Another process holds the memory; JAX and TensorFlow take most of it at their start.",
        fix=Fix(
            "End the other process, or have it take less",
            ("nvidia-smi", "export XLA_PYTHON_CLIENT_MEM_FRACTION=.5"),
        ),
        verify="nvidia-smi --query-gpu=memory.free --format=csv",
        severity="error" if len(full) == len(gpus) else "warning",
    )


RULE = MachineRule(
    code="DN-09",
    reason="out-of-memory-other-process",
    layer="cudnn",
    title="no memory left for cuDNN",
    explanation="A library that cannot allocate its first buffer reports that it is not initialised.",
    messages=("CUDNN_STATUS_NOT_INITIALIZED", "DNN library initialization failed"),
    source="jax-ml/jax#17217, #12461",
    judge=judge,
    follows=("VS-07",),
)

"""TK-06: XLA does not find libdevice or ptxas."""

from __future__ import annotations

import re

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]

_COMPILERS = ("nvidia-cuda-nvcc", "cuda-nvcc", "cuda-nvcc-tools", "cuda-nvvm")


def judge(situation: Situation) -> Finding | None:
    """Judge GPU builds that use XLA for the compiler package, a toolkit, or a directory that XLA_FLAGS names."""
    machine = situation.machine
    names = {
        distribution.name for distribution in environment_of(machine).distributions.get() or ()
    }
    users = [
        build
        for build in situation.builds
        if build.framework in ("jax", "tensorflow") and build.is_gpu and build.cuda is not None
    ]
    if not users:
        raise NotApplicable("no GPU build that uses XLA is installed")
    if any(name.startswith(_COMPILERS) for name in names) or machine.toolkits.get():
        return None
    flags = (machine.host.variables.get() or {}).get("XLA_FLAGS", "")
    if re.search(r"--xla_gpu_cuda_data_dir=\S+", flags):
        return None
    user = users[0]
    major = user.cuda.major if user.cuda else 12
    return RULE.finding(
        f"{user.label} compiles through XLA, and neither ptxas nor libdevice is here",
        evidence=(
            Evidence("compiler packages", "none", "environment"),
            observed("CUDA toolkits", machine.toolkits, lambda kits: str(len(kits))),
        ),
        cause="XLA links libdevice into its kernels and has ptxas assemble them; both come with the nvcc package or a"
        " toolkit.",
        fix=Fix(
            "Install the nvcc package of the same CUDA major",
            (f"python -m pip install nvidia-cuda-nvcc{'-cu12' if major == 12 else ''}",),
            reversible=True,
        ),
        verify="stackcheck doctor --only TK-06",
        subject=user.label,
    )


RULE = MachineRule(
    code="TK-06",
    reason="other",
    layer="toolkit",
    severity="warning",
    title="libdevice or ptxas not found by XLA",
    explanation="JAX and TensorFlow compile through XLA, which needs two files of the CUDA compiler.",
    messages=("libdevice not found at ./libdevice.10.bc", "Couldn't invoke ptxas --version"),
    source="tensorflow/tensorflow#58681, #60790; jax-ml/jax#989; conda-forge/tensorflow-feedstock#420",
    judge=judge,
)

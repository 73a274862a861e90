"""TK-05: headers for run-time compilation are missing."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge a CuPy wheel without the runtime package and without a toolkit."""
    machine = situation.machine
    distributions = {
        distribution.name: distribution
        for distribution in environment_of(machine).distributions.get() or ()
    }
    wheels = [name for name in distributions if name.startswith("cupy-cuda")]
    if not wheels:
        raise NotApplicable("no CuPy wheel is installed")
    major = wheels[0].removeprefix("cupy-cuda")[:2]
    runtime = [
        name
        for name in distributions
        if name.startswith(("nvidia-cuda-runtime", "cuda-cudart", "cuda-toolkit"))
    ]
    if runtime or machine.toolkits.get():
        return None
    version = distributions[wheels[0]].version
    package = (
        f"nvidia-cuda-runtime-cu{major}"
        if major.isdigit() and int(major) < 13
        else "nvidia-cuda-runtime"
    )
    return RULE.finding(
        f"{wheels[0]} {version} compiles kernels at run time, and CUDA's headers are not here",
        evidence=(
            Evidence(wheels[0], version, distributions[wheels[0]].path),
            Evidence("runtime packages", "none", "environment"),
            observed("CUDA toolkits", machine.toolkits, lambda kits: str(len(kits))),
        ),
        cause="FP16 and other headers come with the CUDA runtime package or a toolkit; CuPy's wheel brings neither.",
        fix=Fix(
            "Install the runtime package of the same major",
            (f"python -m pip install {package}",),
            reversible=True,
        ),
        verify="stackcheck doctor --only TK-05",
        subject=wheels[0],
    )


RULE = MachineRule(
    code="TK-05",
    reason="other",
    layer="toolkit",
    severity="warning",
    title="headers missing for run-time compilation",
    explanation="CuPy compiles its kernels with NVRTC when they are first used. Since CUDA 12.2 the FP16 headers pull"
    " in the runtime's.",
    messages=(
        'catastrophic error: cannot open source file "vector_types.h"',
        'catastrophic error: cannot open source file "cuda_fp16.h"',
    ),
    source="cupy/cupy#8466, #5202; NVIDIA/cuda-quantum#5111; CuPy Installation, Troubleshooting",
    judge=judge,
)

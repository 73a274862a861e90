"""PY-10: CUDA libraries of conda and of pip in one environment."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of

__all__ = ["RULE"]

CONDA = {"cuda-cudart", "libcublas", "cudnn", "libcudnn", "nccl", "cudatoolkit"}


def judge(situation: Situation) -> Finding | None:
    """Judge conda's libraries against wheels that pip installed."""
    distributions = distributions_of(situation.machine)
    conda = [entry for name, entry in distributions.items() if name in CONDA]
    if not conda:
        raise NotApplicable("no CUDA library from conda is installed")
    wheels = [
        entry
        for name, entry in distributions.items()
        if name.startswith("nvidia-") and name != "nvidia-ml-py" and not entry.conda_build.peek()
    ]
    if not wheels:
        return None
    return RULE.finding(
        f"CUDA libraries come from conda ({conda[0].name} {conda[0].version}) and from pip"
        f" ({wheels[0].name} {wheels[0].version})",
        evidence=tuple(
            Evidence(entry.name, entry.version, entry.path) for entry in (*conda[:3], *wheels[:3])
        ),
        cause="A framework was installed by conda and another by pip, each with libraries of its own; which ones load"
        " depends on the order of imports.",
        fix=Fix(
            "Take one source for the GPU libraries: a new environment from conda or from pip",
            ("stackcheck create-env pytorch",),
        ),
        verify="stackcheck doctor --only PY-10",
        subject=wheels[0].name,
    )


RULE = MachineRule(
    code="PY-10",
    reason="conda-channel-mix",
    layer="python",
    severity="warning",
    title="conda's and pip's CUDA packages in one environment",
    explanation="conda puts libraries into PREFIX/lib, wheels into site-packages. Loaded in one process they mix.",
    messages=(
        "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH",
        "undefined symbol: __nvJitLinkComplete_12_4",
    ),
    source="LMCache/LMCache#180",
    judge=judge,
)

"""PY-08: component packages that are stubs by now."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import distributions_of

__all__ = ["RULE"]

RENAMED = {
    f"nvidia-{stem}-cu13"
    for stem in [
        "cublas",
        "cuda-cupti",
        "cuda-nvcc",
        "cuda-nvrtc",
        "cuda-runtime",
        "cufft",
        "curand",
        "cusolver",
        "cusparse",
        "nvjitlink",
        "nvtx",
    ]
}
"""For CUDA 13 these carry no suffix; cuDNN, NCCL, cuSPARSELt and NVSHMEM keep theirs."""


def judge(situation: Situation) -> Finding | None:
    """Judge the installed names."""
    found = [
        entry
        for name, entry in distributions_of(situation.machine).items()
        if name in RENAMED and entry.version.startswith("0.")
    ]
    if not found:
        return None
    entry = found[0]
    new = entry.name.removesuffix("-cu13")
    return RULE.finding(
        f"{entry.name} {entry.version} is an empty stub; the library is called {new}",
        evidence=tuple(Evidence(entry.name, entry.version, entry.path) for entry in found),
        cause="For CUDA 13 the component packages dropped the suffix; the old names are deprecated stubs.",
        fix=Fix(
            "Rename it in your requirements",
            (f"python -m pip uninstall -y {entry.name}", f"python -m pip install {new}"),
            reversible=True,
        ),
        verify=f"python -m pip show {new}",
        subject=entry.name,
    )


RULE = MachineRule(
    code="PY-08",
    reason="other",
    layer="python",
    severity="warning",
    title="component packages that are stubs now",
    explanation="The packages without suffix are versioned by library: nvidia-cusparse 12.x belongs to CUDA 13.",
    messages=(
        "THIS PROJECT 'nvidia-cusparse-cu13' IS DEPRECATED. Please use 'nvidia-cusparse' instead.",
    ),
    source="Jim137/qkan#29; unslothai/unsloth#10589",
    judge=judge,
)

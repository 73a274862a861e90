"""DN-08: an NVIDIA library beside the build has no code for a GPU."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import parse_version
from stackcheck.rules.driver.coverage import find_cubin, find_ptx, name_of
from stackcheck.rules.rule import SetRule, Situation

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge every NVIDIA library wheel among the packages against every GPU."""
    for name, version in situation.packages.items():
        rows = situation.knowledge.libraries.get(name, ())
        release = next(
            (row for row in rows if version is not None and row.version == version), None
        )
        if release is None or release.architectures is None:
            continue
        for gpu in situation.machine.gpus.get() or ():
            capability = gpu.compute_capability.get()
            if capability is None:
                continue
            code = release.architectures
            if find_cubin(code, capability) or find_ptx(code, capability):
                continue
            fitting = [
                row.version
                for row in rows
                if row.architectures and find_cubin(row.architectures, capability)
            ]
            held = f"{name}=={max(fitting)}" if fitting else ""
            newer = capability > min(entry.capability for entry in code)
            return RULE.finding(
                f"{name} {version} has no code for {name_of(gpu)} (compute capability {capability})",
                evidence=(
                    Evidence(
                        f"{name} {version}",
                        " ".join(map(str, code)),
                        release.series.evidence[0].source,
                    ),
                    Evidence(
                        name_of(gpu), f"capability {capability}", gpu.compute_capability.source
                    ),
                ),
                cause="What a build can run on is what all of its libraries can.",
                fix=Fix(
                    f"Hold it at {held}" if held else "Use another CUDA major of this library",
                    (f"python -m pip install '{held}'",) if held else (),
                    reversible=True,
                ),
                reason="arch-not-in-build" if newer else "arch-dropped",
                subject=f"{name} {parse_version(str(version))}",
            )
    return None


RULE = SetRule(
    code="DN-08",
    reason="arch-dropped",
    layer="cudnn",
    title="cuDNN or another library dropped the GPU",
    explanation="cuDNN 9.10 is the last with Maxwell, Pascal and Volta, NCCL 2.27 (CUDA 12) the last with Maxwell, and"
    " CUDA 13 libraries start at 7.5. An open requirement floats past them.",
    messages=("CUDNN_STATUS_ARCH_MISMATCH",),
    source="cuDNN Support Matrix; fat binaries of NVIDIA's wheels",
    judge=judge,
)

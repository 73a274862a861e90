"""DR-02: the build reaches a GPU only by PTX, and the driver is older than the compiler that wrote it."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.driver.coverage import find_cubin, find_ptx, name_of
from stackcheck.rules.driver.forward import carried_forward
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge every GPU that has PTX and no machine code in the build."""
    if not build.architectures or build.cuda is None:
        return None
    seen: set[Version] = set()
    for gpu in situation.machine.gpus.get() or ():
        capability = gpu.compute_capability.get()
        if capability is None or capability in seen:
            continue
        seen.add(capability)
        life = situation.knowledge.architecture(capability)
        tegra = life is not None and life.tegra
        ptx = find_ptx(build.architectures, capability)
        if find_cubin(build.architectures, capability, tegra=tegra) or ptx is None:
            continue
        driver_cuda = situation.driver_cuda.get()
        if (
            driver_cuda is None
            or driver_cuda >= build.cuda
            or carried_forward(build.cuda, situation)
        ):
            continue
        return RULE.finding(
            f"{build.label} reaches {name_of(gpu)} (capability {capability}) by {ptx} of CUDA {build.cuda}; the"
            f" driver compiles PTX up to CUDA {driver_cuda}",
            evidence=(
                Evidence("CUDA of the driver", str(driver_cuda), situation.driver_cuda.source),
                Evidence(build.label, " ".join(map(str, build.architectures)), "knowledge"),
            ),
            cause="Minor-version compatibility covers machine code only: a driver reads PTX up to its own CUDA.",
            fix=Fix(
                f"Update the driver to one for CUDA {build.cuda}, or take a build with code for this GPU"
            ),
            subject=build.label,
        )
    return None


RULE = BuildRule(
    code="DR-02",
    reason="ptx-jit-toolkit-newer-than-driver",
    layer="driver",
    title="minor-version compatibility holds, PTX does not",
    explanation="A driver runs machine code of every minor of its CUDA major, but compiles PTX only if it is as"
    " new as the compiler that wrote it. Triton, NVRTC and Numba meet this where they hand PTX to the driver.",
    messages=("the provided PTX was compiled with an unsupported toolchain.",),
    source="NVIDIA/nvbandwidth#61, #40; vllm-project/vllm#28305; CUDA Compatibility guide",
    judge=judge,
)

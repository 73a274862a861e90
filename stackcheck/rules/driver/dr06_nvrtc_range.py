"""DR-06: the run-time compiler is too old or too new for the GPU."""

from __future__ import annotations

import re

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.driver.coverage import name_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of, gpus_of

__all__ = ["RULE"]

_NVRTC = re.compile(r"libnvrtc\.so\.(\d+)")


def judge(situation: Situation) -> Finding | None:
    """Judge the NVRTC of the environment against every GPU's first and last toolkit."""
    machine = situation.machine
    gpus = gpus_of(machine)
    environment = environment_of(machine)
    found = [
        library for library in environment.libraries.get() or () if _NVRTC.match(library.soname)
    ]
    if not found:
        raise NotApplicable("no NVRTC in the environment")
    for library in found:
        version = library.version.get()
        if version is None:
            continue
        release = Version(f"{version.major}.{version.minor}")
        for gpu in gpus:
            capability = gpu.compute_capability.get()
            life = situation.knowledge.architecture(capability) if capability else None
            if life is None:
                continue
            too_new = life.last_cuda is not None and release > life.last_cuda
            too_old = life.first_cuda is not None and release < life.first_cuda
            if not too_new and not too_old:
                continue
            wanted = f"up to {life.last_cuda}" if too_new else f"from {life.first_cuda} on"
            return RULE.finding(
                f"NVRTC {release} cannot compile for {name_of(gpu)} (capability {capability}), which CUDA {wanted} can",
                evidence=(
                    Evidence(library.soname, f"{version} ({library.path})", library.version.source),
                    Evidence(
                        name_of(gpu), f"capability {capability}", gpu.compute_capability.source
                    ),
                ),
                cause="NVRTC compiles kernels when they are first used, for the generations that its toolkit knows.",
                fix=Fix(
                    f"Install the NVRTC of a toolkit {wanted}",
                    ("python -m pip install 'nvidia-cuda-nvrtc-cu12'",) if too_new else (),
                ),
                verify="stackcheck doctor --only DR-06",
                subject=name_of(gpu),
            )
    return None


RULE = MachineRule(
    code="DR-06",
    reason="arch-dropped",
    layer="driver",
    severity="warning",
    title="run-time compiler too old or too new for the GPU",
    explanation="CuPy, PyTorch's jiterator and others compile at run time. NVRTC 13 has no Maxwell, Pascal or Volta;"
    " an old one does not know new boards.",
    messages=(
        "nvrtc: error: invalid value for --gpu-architecture (-arch)",
        "NVRTC_ERROR_INVALID_OPTION (5)",
    ),
    source="cupy/cupy#9475, #2087",
    judge=judge,
    follows=("DR-04", "DR-05"),
)

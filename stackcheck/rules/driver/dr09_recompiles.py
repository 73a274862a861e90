"""DR-09: the first run compiles everything, and what it compiled is not kept."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.driver.coverage import find_cubin, find_ptx, name_of
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge builds that reach a GPU only by PTX, where the cache cannot be written."""
    machine = situation.machine
    gpus = gpus_of(machine)
    by_ptx = [
        (build, gpu)
        for build in situation.builds
        if build.is_gpu and build.architectures
        for gpu in gpus
        if (capability := gpu.compute_capability.get()) is not None
        and find_cubin(build.architectures, capability, tegra=situation.platform == "jetson")
        is None
        and find_ptx(build.architectures, capability) is not None
    ]
    if not by_ptx:
        raise NotApplicable("every installed build has machine code for the GPUs")
    cache = limit_of(machine, "cuda_cache_writable")
    if cache.get():
        return None
    build, gpu = by_ptx[0]
    return RULE.finding(
        f"{build.label} has only PTX for {name_of(gpu)}, and the cache of compiled kernels cannot be written",
        evidence=(
            Evidence(build.label, " ".join(map(str, build.architectures or ())), "knowledge"),
            observed("CUDA's cache", cache, lambda found: "writable" if found else "not writable"),
        ),
        cause="The driver compiles every kernel at first use and cannot keep the result: each start takes minutes.",
        fix=Fix(
            "Take a build with code for this GPU, or give the cache a place",
            (
                "export CUDA_CACHE_PATH=/path/that/can/be/written",
                "export CUDA_CACHE_MAXSIZE=4294967296",
            ),
        ),
        verify="ls ~/.nv/ComputeCache",
        subject=build.label,
    )


RULE = MachineRule(
    code="DR-09",
    reason="other",
    layer="driver",
    severity="warning",
    title="every start recompiles",
    explanation="A build without machine code for a GPU is compiled from PTX by the driver, once, if the result can be"
    " kept. Throw-away containers and read-only homes do it every time.",
    source="CUDA Programming Guide, Environment Variables",
    judge=judge,
)

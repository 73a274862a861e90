"""DR-07: the driver's PTX compiler library is missing."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the loader's reach, where libcuda itself is found."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    compiler = limit_of(machine, "ptx_compiler")
    if machine.driver.cuda_library.get() is None:
        raise NotApplicable("libcuda is missing as well (KM-13)")
    if compiler.get():
        return None
    container = machine.host.container.peek()
    return RULE.finding(
        "libnvidia-ptxjitcompiler.so.1 is missing, so no PTX can be compiled",
        evidence=(
            observed(
                "libnvidia-ptxjitcompiler.so.1",
                compiler,
                lambda found: "found" if found else "not found",
            ),
            observed("libcuda.so.1", machine.driver.cuda_library, lambda found: found.path),
        ),
        cause="It belongs to the compute half of the driver; a partial installation or a container without the"
        " `compute` capability lacks it.",
        fix=Fix("Start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility")
        if container
        else Fix(
            "Complete the driver's compute package",
            ("sudo apt-get install --reinstall libnvidia-compute-580", "sudo ldconfig"),
            needs_root=True,
        ),
        verify="ldconfig -p | grep ptxjitcompiler",
    )


RULE = MachineRule(
    code="DR-07",
    reason="other",
    layer="driver",
    title="PTX compiler library missing",
    explanation="libcuda hands PTX to a library of its own release. Without it everything that compiles at run time"
    " fails with 221.",
    messages=("PTX JIT compiler library not found",),
    source="jax-ml/jax#9644; anduril/jetpack-nixos#184; JuliaGPU/cuTile.jl#9",
    judge=judge,
    follows=("CT-04",),
)

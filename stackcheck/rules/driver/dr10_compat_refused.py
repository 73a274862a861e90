"""DR-10: cuda-compat where it may not be used."""

from __future__ import annotations

from stackcheck.model.fact import Known
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

NOT_SUPPORTED_ON_DEVICE = 804
"""CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE."""


def judge(situation: Situation) -> Finding | None:
    """Judge a libcuda that carries the forward-compatibility note: its list of drivers, and the GPUs' brand."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    driver = machine.driver
    library = driver.cuda_library.get()
    if library is None:
        raise NotApplicable("no libcuda.so.1 in the loader's reach (KM-13)")
    majors = library.forward_compatible_with
    refused = driver.cuinit_code.peek() == NOT_SUPPORTED_ON_DEVICE
    if majors.get() is None and not refused:
        raise NotApplicable("libcuda is the driver's own")
    listed = majors.peek() or ()
    loaded = driver.module.version.get()
    gpus = machine.gpus.peek() or ()
    consumer = [gpu for gpu in gpus if "GeForce" in (gpu.name.peek() or "")]
    unlisted = isinstance(majors, Known) and loaded is not None and loaded.major not in listed
    if not (refused or unlisted or consumer):
        return None
    why = (
        f"it lists drivers {', '.join(map(str, listed))} and the module is {loaded}"
        if unlisted
        else f"{consumer[0].name.peek()} is no data-centre GPU"
        if consumer
        else "the GPU does not support it"
    )
    return RULE.finding(
        f"libcuda comes from a cuda-compat package that may not be used here: {why}",
        evidence=(
            Evidence(library.soname, library.path, "loader"),
            observed("drivers that it lists", majors, lambda found: ", ".join(map(str, found))),
            observed("loaded nvidia module", driver.module.version),
            observed("cuInit", driver.cuinit_code, code_text),
        ),
        cause="Forward compatibility puts a newer user-mode driver on an older kernel module, on data-centre GPUs and"
        " listed driver branches only.",
        fix=Fix(
            "Take the compat directory out of the loader's sight, or update the driver",
            (
                "unset LD_LIBRARY_PATH",
                "grep -rl compat /etc/ld.so.conf.d",
                "sudo ldconfig",
            ),
            needs_root=True,
        ),
        verify="ldconfig -p | grep libcuda.so.1",
    )


RULE = MachineRule(
    code="DR-10",
    reason="forward-compat",
    layer="driver",
    title="cuda-compat where it may not be used",
    explanation="The cuda-compat package lets data-centre machines run newer CUDA without a new kernel module. On"
    " GeForce boards and on branches that it does not list, cuInit fails with 804 or 803.",
    messages=("Error 804: forward compatibility was attempted on non supported HW",),
    source="NVIDIA/nvidia-docker#1515, #1294; oobabooga/textgen#4407; gpustack/gpustack#1254",
    judge=judge,
)

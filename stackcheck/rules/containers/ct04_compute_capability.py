"""CT-04: the container asked for `utility` and not for `compute`."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, container_of, require_gpu, require_platform

__all__ = ["RULE"]

VARIABLE = "NVIDIA_DRIVER_CAPABILITIES"


def judge(situation: Situation) -> Finding | None:
    """Judge which of the two driver libraries came into the container."""
    machine = situation.machine
    container_of(machine)
    require_platform(machine, "linux", "wsl2")
    require_gpu(machine)
    driver = machine.driver
    if driver.nvml_library.get() is None:
        raise NotApplicable("no driver library at all was mounted (CT-03)")
    if driver.cuda_library.get() is not None:
        return None
    value = variable_of(machine, VARIABLE)
    return RULE.finding(
        f"libnvidia-ml.so.1 is here and libcuda.so.1 is not; {VARIABLE} is {value or 'not set'}",
        evidence=(
            observed("libnvidia-ml.so.1", driver.nvml_library, lambda found: found.path),
            observed("libcuda.so.1", driver.cuda_library, lambda found: found.path),
            Evidence(VARIABLE, value or "not set", machine.host.variables.source),
        ),
        cause="The engine mounts the libraries of the capabilities that were asked for: nvidia-smi belongs to"
        " `utility`, CUDA to `compute`.",
        fix=Fix(
            "Ask for both",
            ("docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE",),
        ),
        verify="ldconfig -p | grep libcuda.so.1",
        ruled_out=("the container was given driver libraries",),
    )


RULE = MachineRule(
    code="CT-04",
    reason="no-driver",
    layer="containers",
    title="driver capability `compute` not requested",
    explanation="NVIDIA_DRIVER_CAPABILITIES, or the capabilities list of compose, selects parts of the driver.",
    messages=("libcuda.so.1: cannot open shared object file: No such file or directory",),
    source="mudler/LocalAI#11973; NVIDIA/nvidia-docker#671",
    judge=judge,
)

"""CT-08: the image contains driver libraries."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.kernel.km05_library_mismatch import release_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, container_of, require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge whether libraries of another release than the host's module lie in the container."""
    machine = situation.machine
    container = container_of(machine)
    require_platform(machine, "linux")
    require_gpu(machine)
    if container.engine == "apptainer":
        raise NotApplicable("Apptainer binds the host's libraries by its own list")
    loaded = machine.driver.module.version.get()
    if loaded is None:
        raise NotApplicable("the host's driver is not loaded (CT-06)")
    foreign = [
        (library, release)
        for library in machine.driver.cuda_libraries.get() or ()
        if library.forward_compatible_with.peek() is None
        and (release := release_of(library)) is not None
        and release != loaded
    ]
    if not foreign:
        return None
    release = foreign[0][1]
    return RULE.finding(
        f"the image contains libcuda {release}, and the host's driver is {loaded}",
        evidence=tuple(
            Evidence(f"libcuda {release}", library.path, library.version.source)
            for library, release in foreign
        ),
        cause="Driver packages were installed into the image, or a container with mounted driver files was committed.",
        fix=Fix(
            "Purge driver packages from the image and build it anew",
            ("apt-get purge -y 'libnvidia-compute-*' 'libcuda1'",),
            needs_root=True,
        ),
        verify="ldconfig -p | grep libcuda.so",
    )


RULE = MachineRule(
    code="CT-08",
    reason="nvml-driver-library-mismatch",
    layer="containers",
    title="the image contains driver libraries",
    explanation="Driver libraries must come from the host, since they must fit its module. Copies in the image are"
    " loaded instead of them, or stop the engine from mounting them.",
    messages=(
        "mount error: file creation failed: /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1: file exists",
    ),
    source="NVIDIA/nvidia-container-toolkit#176, #289; NVIDIA/nvidia-docker#825, #1551",
    judge=judge,
)

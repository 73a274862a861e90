"""KM-13: only half of the user-mode driver is installed."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge which of the two libraries the loader finds, where the module is loaded."""
    machine = situation.machine
    require_module(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("in a container the engine mounts them (CT-03, CT-04)")
    driver = machine.driver
    management, cuda = driver.nvml_library.get(), driver.cuda_library.get()
    if management is not None and cuda is not None:
        return None
    if management is None and machine.host.platform.peek() == "jetson":
        return None
    kept = machine.host.limits.get("driver_container")
    if kept is not None and kept.peek() == 1:
        return _kept_by_container(observed("driver container", kept))
    release = driver.module.version.peek()
    missing = "libcuda.so.1" if cuda is None else "libnvidia-ml.so.1"
    both = management is None and cuda is None
    names = "libcuda.so.1 and libnvidia-ml.so.1" if both else missing
    branch = str(release).partition(".")[0]
    return RULE.finding(
        f"{names} {'are' if both else 'is'} missing, while the kernel module {release} is loaded",
        evidence=(
            observed("libnvidia-ml.so.1", driver.nvml_library, lambda found: found.path),
            observed("libcuda.so.1", driver.cuda_library, lambda found: found.path),
            observed("loaded nvidia module", driver.module.version),
        ),
        cause="The driver comes in packages: the kernel module, the compute half (libcuda) and the tools (NVML). One"
        " is not installed, or not in the loader's reach.",
        fix=Fix(
            f"Install the compute half at the module's release {release}",
            (
                f"sudo apt-get install libnvidia-compute-{branch} || sudo dnf install nvidia-driver-cuda-libs",
                "sudo ldconfig",
            ),
            needs_root=True,
        ),
        verify=f"ldconfig -p | grep {missing}",
        ruled_out=("the nvidia module is loaded",),
    )


def _kept_by_container(evidence: Evidence) -> Finding:
    return RULE.finding(
        "the user-mode driver is kept by a driver container, not installed on this host",
        severity="info",
        evidence=(evidence,),
        cause="The GPU Operator runs the driver in a container and gives its libraries to pods that ask for a GPU; the"
        " host itself has none, and NVML does not answer here.",
        fix=Fix("Run doctor in a pod that asks for a GPU (`stackcheck fleet manifest` writes one)"),
        verify="chroot /run/nvidia/driver nvidia-smi",
    )


RULE = MachineRule(
    code="KM-13",
    reason="no-driver",
    layer="kernel",
    title="half of the user-mode driver missing",
    explanation="NVML (nvidia-smi) and CUDA are two libraries in two packages. With one of them missing half of the"
    " programs work.",
    messages=(
        "libcuda.so.1: cannot open shared object file: No such file or directory",
        "NVML Shared Library Not Found",
    ),
    source="NVIDIA/go-nvml: nvml.h; NVIDIA/libnvidia-container#231; docker/for-win#13835",
    judge=judge,
    follows=("TK-09",),
)

"""KM-05: the loaded kernel module and the user-mode libraries are of different releases."""

from __future__ import annotations

from stackcheck.model.driver import Library
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_module

__all__ = ["OLDEST_RELEASE", "RULE", "release_of"]

LIBRARY_RM_VERSION_MISMATCH = 18
"""NVML_ERROR_LIB_RM_VERSION_MISMATCH."""
OLDEST_RELEASE = Version("300")
"""Below it a file name's number is no driver release: WSL's and Tegra's libcuda is `libcuda.so.1.1`."""


def release_of(library: Library | None) -> Version | None:
    """Return the driver release in a library's file name; None where there is none to compare."""
    if library is None:
        return None
    version = library.version.get()
    return version if version is not None and version >= OLDEST_RELEASE else None


def judge(situation: Situation) -> Finding | None:
    """Judge NVML's return code, and the file names behind the two libraries."""
    machine = situation.machine
    driver = machine.driver
    loaded = driver.module.version
    if driver.nvml_code.peek() != LIBRARY_RM_VERSION_MISMATCH:
        require_module(machine)
        library = release_of(driver.nvml_library.get())
        if library is None or library == loaded.get():
            return None
    file = driver.nvml_library.peek()
    library_text = (
        str(file.version.peek() or "of another release") if file else "of another release"
    )
    return RULE.finding(
        f"kernel module is {loaded.peek() or 'of another release'}, user-mode library is {library_text}",
        evidence=(
            observed("loaded nvidia module", loaded),
            *(
                (Evidence(file.soname, f"{library_text} ({file.path})", file.version.source),)
                if file
                else ()
            ),
            observed(
                "nvmlInit", driver.nvml_code, lambda code: f"error {code}" if code else "success"
            ),
        ),
        cause="The driver's packages were upgraded (often unattended) while the old kernel module stayed loaded, or"
        " two driver installations are mixed.",
        fix=Fix(
            "Reboot; or, with no process on the GPU, unload the module and load the new one",
            (
                "sudo reboot",
                "sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia",
            ),
            needs_root=True,
        ),
        verify="nvidia-smi",
        ruled_out=("the nvidia module is loaded",) if loaded.peek() else (),
    )


RULE = MachineRule(
    code="KM-05",
    reason="nvml-driver-library-mismatch",
    layer="kernel",
    title="kernel module and user library differ",
    explanation="The user-mode half of the driver speaks only to a kernel module of exactly its release. An upgrade"
    " replaces the files at once, but the running kernel keeps the old module until it is reloaded.",
    messages=(
        "Failed to initialize NVML: Driver/library version mismatch",
        "NVRM: API mismatch: the client has the version 570.195, but this kernel module has the version 570.158",
    ),
    source="NVIDIA/open-gpu-kernel-modules: osapi.c; NVIDIA/ubuntu-packaging-nvidia-driver#3",
    judge=judge,
    follows=("KM-14", "CT-08"),
)

"""DR-11: libcuda and the kernel module do not fit."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.kernel.km05_library_mismatch import release_of
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]

SYSTEM_DRIVER_MISMATCH = 803
"""CUDA_ERROR_SYSTEM_DRIVER_MISMATCH."""


def judge(situation: Situation) -> Finding | None:
    """Judge the release in libcuda's file name against the loaded module, cuda-compat set apart."""
    machine = situation.machine
    require_module(machine)
    driver = machine.driver
    loaded = driver.module.version.get()
    library = driver.cuda_library.get()
    if library is None:
        raise NotApplicable("no libcuda.so.1 in the loader's reach (KM-13)")
    release = release_of(library)
    refused = driver.cuinit_code.peek() == SYSTEM_DRIVER_MISMATCH
    if not refused and (release is None or loaded is None or release == loaded):
        return None
    compatible = library.forward_compatible_with.get()
    if compatible is not None and not refused:
        raise NotApplicable("libcuda is a cuda-compat package (DR-10)")
    others = sorted({str(other.version.peek()) for other in driver.cuda_libraries.peek() or ()})
    return RULE.finding(
        f"libcuda is {release or library.path}, the loaded kernel module is {loaded}",
        evidence=(
            Evidence(library.soname, library.path, library.version.source),
            observed("loaded nvidia module", driver.module.version),
            observed(
                "cuInit", driver.cuinit_code, lambda code: f"error {code}" if code else "success"
            ),
            *(
                (Evidence("libcuda in the loader's directories", ", ".join(others), "loader"),)
                if len(others) > 1
                else ()
            ),
        ),
        cause="A libcuda of another release is found first: a leftover of another installation, one that came with an"
        " image, or a driver upgrade without a reboot.",
        fix=Fix(
            f"Keep one libcuda, of release {loaded}; remove {library.path}, and reboot after a driver upgrade",
            (f"dpkg -S {library.path} || rpm -qf {library.path}", "sudo ldconfig"),
            needs_root=True,
        ),
        verify="stackcheck doctor --only DR-11",
        ruled_out=("libcuda is no cuda-compat package",) if compatible is None else (),
    )


RULE = MachineRule(
    code="DR-11",
    reason="nvml-driver-library-mismatch",
    layer="driver",
    title="libcuda and kernel module differ",
    explanation="libcuda.so.1 must be of the kernel module's own release, unless it is a cuda-compat package that"
    " lists the module's branch.",
    messages=("Error 803: system has unsupported display driver / cuda driver combination",),
    source="easydiffusion/easydiffusion#379; NVIDIA/nvidia-docker#1256; llm-d/llm-d#706",
    judge=judge,
    follows=("KM-05", "KM-14", "CT-08"),
)

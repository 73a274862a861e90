"""KM-14: two driver installations on one machine."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.kernel.km05_library_mismatch import release_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the releases of every libcuda in the loader's directories, cuda-compat set apart."""
    machine = situation.machine
    require_module(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("in a container a second copy came with the image (CT-08)")
    libraries = [
        library
        for library in machine.driver.cuda_libraries.get() or ()
        if library.forward_compatible_with.peek() is None
    ]
    releases = {
        release: library for library in libraries if (release := release_of(library)) is not None
    }
    if len(releases) < 2:
        return None
    names = " and ".join(str(release) for release in sorted(releases))
    loaded = machine.driver.module.version.peek()
    stale = next(library for release, library in sorted(releases.items()) if release != loaded)
    return RULE.finding(
        f"two driver installations: libcuda {names}, and kernel module {loaded}",
        evidence=tuple(
            Evidence(f"libcuda {release}", library.path, library.version.source)
            for release, library in sorted(releases.items())
        ),
        cause="A .run installer and packages, or packages of two sources, put their libraries side by side. Which one"
        " is loaded changes with every upgrade.",
        fix=Fix(
            "Remove the .run installation with its own uninstaller, then keep one source of packages",
            (
                "sudo nvidia-uninstall",
                f"dpkg -S {stale.path} || rpm -qf {stale.path}",
                "sudo ldconfig",
            ),
            needs_root=True,
        ),
        verify="ldconfig -p | grep libcuda.so",
    )


RULE = MachineRule(
    code="KM-14",
    reason="nvml-driver-library-mismatch",
    layer="kernel",
    severity="warning",
    title="two driver installations",
    explanation="Two sources of the driver overwrite one another's files, so that module and libraries drift apart"
    " again after every boot or upgrade.",
    messages=("Failed to initialize NVML: Driver/library version mismatch",),
    source="xxmyjk/xxmyjk.github.io#12; NVIDIA/nvidia-docker#365",
    judge=judge,
)

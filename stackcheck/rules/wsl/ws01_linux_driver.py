"""WS-01: a Linux driver is installed inside WSL."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_platform

__all__ = ["DIRECTORY", "RULE"]

DIRECTORY = "/usr/lib/wsl/"


def judge(situation: Situation) -> Finding | None:
    """Judge where the two driver libraries resolve."""
    machine = situation.machine
    require_platform(machine, "wsl2")
    driver = machine.driver
    libraries = [fact.get() for fact in (driver.cuda_library, driver.nvml_library)]
    foreign = [
        library
        for library in libraries
        if library is not None and not library.path.startswith(DIRECTORY)
    ]
    if not foreign:
        return None
    return RULE.finding(
        f"{foreign[0].soname} is {foreign[0].path}, not the one of Windows in {DIRECTORY}lib",
        evidence=(
            *(Evidence(library.soname, library.path, "loader") for library in foreign),
            observed("nvmlInit", driver.nvml_code, code_text),
        ),
        cause="A Linux driver package (often as a dependency of the package `cuda`) was installed inside WSL. There the"
        " driver is that of Windows, whose libraries WSL brings.",
        fix=Fix(
            "Purge the driver packages; install only the toolkit for WSL, if one at all",
            (
                "sudo apt-get purge 'nvidia-driver-*' 'nvidia-utils-*' 'libnvidia-*'",
                "sudo ldconfig",
            ),
            needs_root=True,
        ),
        verify="ldconfig -p | grep libcuda.so.1",
    )


RULE = MachineRule(
    code="WS-01",
    reason="platform-unsupported",
    layer="wsl",
    title="a Linux driver inside WSL",
    explanation="WSL has no kernel module of its own: libraries that look for one find nothing.",
    messages=("Failed to initialize NVML: GPU access blocked by the operating system",),
    source="microsoft/WSL#9166, #6773",
    judge=judge,
)

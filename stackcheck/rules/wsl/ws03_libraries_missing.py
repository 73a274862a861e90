"""WS-03: the driver's libraries are missing from /usr/lib/wsl/lib."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

WANTED = ("libcuda.so.1", "libnvidia-ml.so.1", "libdxcore.so")


def judge(situation: Situation) -> Finding | None:
    """Judge the folder that Windows fills."""
    machine = situation.machine
    require_platform(machine, "wsl2")
    require_gpu(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("in a container the engine mounts them (WS-04)")
    there = machine.host.wsl_libraries.get() or ()
    missing = [name for name in WANTED if name not in there]
    if not missing:
        return None
    return RULE.finding(
        f"/usr/lib/wsl/lib lacks {', '.join(missing)}",
        evidence=(
            Evidence(
                "/usr/lib/wsl/lib",
                ", ".join(sorted(there)[:12]) or "empty",
                machine.host.wsl_libraries.source,
            ),
        ),
        cause="Windows copies its driver's libraries there at start; its driver has none for WSL, or WSL is old.",
        fix=Fix(
            "In Windows: update WSL, install the NVIDIA driver anew, restart WSL",
            ("wsl --update", "wsl --shutdown"),
        ),
        verify="ls /usr/lib/wsl/lib",
        ruled_out=("/dev/dxg is there",),
    )


RULE = MachineRule(
    code="WS-03",
    reason="no-driver",
    layer="wsl",
    title="driver libraries missing from WSL",
    explanation="libcuda and NVML in WSL are Windows' own, through libdxcore.",
    messages=("libcuda.so.1: cannot open shared object file",),
    source="microsoft/WSL#5604; staralt/dxgkrnl-dkms#7",
    judge=judge,
)

"""DV-11: MPS is half configured."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of, observed, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

VARIABLE = "CUDA_MPS_PIPE_DIRECTORY"


def judge(situation: Situation) -> Finding | None:
    """Judge the pipe directory that CUDA would look into."""
    machine = situation.machine
    require_platform(machine, "linux", "jetson")
    require_gpu(machine)
    directory = variable_of(machine, VARIABLE)
    control = limit_of(machine, "mps_control")
    if control.state == "absent" and directory is None:
        raise NotApplicable("MPS is not set up")
    if control.get():
        return None
    where = directory or "/tmp/nvidia-mps"  # noqa: S108 (MPS's default, only named)
    return RULE.finding(
        f"{where} holds no control pipe that this user can open",
        evidence=(
            *((Evidence(VARIABLE, directory, machine.host.variables.source),) if directory else ()),
            observed(
                "control pipe", control, lambda found: "there" if found else "none of this user's"
            ),
        ),
        cause="CUDA finds an MPS directory and tries the daemon behind it, which is not there or is another user's.",
        fix=Fix(
            "Start the daemon with this directory, or take it out of CUDA's sight",
            (f"unset {VARIABLE}", f"CUDA_MPS_PIPE_DIRECTORY={where} nvidia-cuda-mps-control -d"),
        ),
        verify=f"ls -l {where}",
    )


RULE = MachineRule(
    code="DV-11",
    reason="other",
    layer="devices",
    title="MPS half configured",
    explanation="The multi-process service shares a GPU among processes through a daemon. Clients that see its"
    " directory without the daemon fail with 805.",
    messages=(
        "Error 805: MPS client failed to connect to the MPS control daemon or the MPS server",
    ),
    source="nanoporetech/dorado#458; apecloud/ApeRAG#120; bottlerocket-os/bottlerocket#4673",
    judge=judge,
)

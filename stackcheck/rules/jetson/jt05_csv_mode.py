"""JT-05: the container toolkit's specification was not made in Jetson's mode."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.containers.specification import cdi_specification
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_platform

__all__ = ["RULE"]

TEGRA_PATH = "/tegra"
"""Jetson's driver libraries lie below .../tegra or .../nvidia, and its nodes are nvmap and nvhost."""


def judge(situation: Situation) -> Finding | None:
    """Judge whether the specification names any of the board's own files."""
    machine = situation.machine
    require_platform(machine, "jetson")
    specification = cdi_specification(machine)
    if specification is None:
        raise NotApplicable("there is no CDI specification")
    text = specification.value
    if TEGRA_PATH in text or "nvmap" in text or "nvhost" in text:
        return None
    return RULE.finding(
        f"{specification.source} was not made for a Jetson: it names none of its device nodes",
        evidence=(Evidence("nvmap, nvhost, tegra", "named nowhere", specification.source),),
        cause="The toolkit made the specification by NVML, which does not know Jetson's nodes and libraries.",
        fix=Fix(
            "Make it in CSV mode",
            ("sudo nvidia-ctk cdi generate --mode=csv --output=/etc/cdi/nvidia.yaml",),
            needs_root=True,
        ),
        verify="nvidia-ctk cdi list",
    )


RULE = MachineRule(
    code="JT-05",
    reason="container-toolkit-missing",
    layer="jetson",
    severity="warning",
    title="container runtime needs CSV mode",
    explanation="On Jetson what a container needs is listed in CSV files below /etc/nvidia-container-runtime.",
    messages=("unresolvable CDI devices nvidia.com/gpu=all",),
    source="NVIDIA/nvidia-container-toolkit#1853; dusty-nv/jetson-containers#1460",
    judge=judge,
)

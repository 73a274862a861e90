"""DV-07: a fabric manager where there is nothing to manage."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge a failed unit on a machine without NVSwitch."""
    machine = situation.machine
    require_platform(machine, "linux")
    drives_gpus_by_module(machine)
    state = machine.driver.fabric_manager
    if state.get() != "failed" or machine.driver.module.nvswitches.get():
        return None
    return RULE.finding(
        "the fabric manager's unit failed, and the machine has no NVSwitch",
        evidence=(
            observed("fabric manager", state),
            observed("NVSwitches", machine.driver.module.nvswitches),
        ),
        cause="The unit was installed where there is nothing to manage; on trays of the GB200 kind the switch trays"
        " run the fabric. Nothing is wrong with the GPUs.",
        fix=Fix(
            "Disable the unit",
            ("sudo systemctl disable --now nvidia-fabricmanager",),
            needs_root=True,
        ),
        verify="systemctl --failed",
    )


RULE = MachineRule(
    code="DV-07",
    reason="other",
    layer="devices",
    severity="info",
    title="fabric manager without NVSwitch",
    explanation="The fabric manager looks for NVSwitches, finds none and fails. Only its red unit state is odd.",
    messages=(
        "request to query NVSwitch device information from NVSwitch driver failed with error:WARNING Nothing to do",
    ),
    source="data-infra/cube-studio#29; leptonai/gpud: fabric-manager/component.go",
    judge=judge,
)

"""VM-05: the provider did not finish the fabric."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.devices.dv06_fabric_manager import STATES
from stackcheck.rules.observation import code_text, find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_platform

__all__ = ["RULE"]

SYSTEM_NOT_READY = 802


def judge(situation: Situation) -> Finding | None:
    """Judge a GPU of an NVSwitch board in a guest that has no switch, where cuInit answers 802."""
    machine = situation.machine
    require_platform(machine, "linux")
    gpus = gpus_of(machine)
    driver = machine.driver
    if driver.module.nvswitches.get():
        raise NotApplicable("the switches are here (DV-06)")
    waiting = find_all(gpus, lambda gpu: gpu.fabric_state, lambda state: state in (1, 2))
    if not waiting or driver.cuinit_code.get() != SYSTEM_NOT_READY:
        return None
    state = STATES[waiting[0].fabric_state.peek() or 0]
    return RULE.finding(
        f"the fabric of GPU {waiting[0].index} is {state}, and this guest has no switch to start it with",
        evidence=(
            observed(
                "fabric state", waiting[0].fabric_state, lambda code: STATES.get(code, str(code))
            ),
            observed("cuInit", driver.cuinit_code, code_text),
            observed("NVSwitches", driver.module.nvswitches),
        ),
        cause="One GPU of a board with NVSwitches was rented out before its provider had set up the fabric.",
        fix=Fix("Take another node, and report this one to the provider"),
        verify="nvidia-smi -q | grep -A2 Fabric",
        ruled_out=("there is no service in the guest to start",),
    )


RULE = MachineRule(
    code="VM-05",
    reason="other",
    layer="virtual",
    title="the provider did not finish the fabric",
    explanation="GPUs with NVLink refuse CUDA until their fabric is registered, also when rented singly.",
    messages=("Error 802: system not yet initialized",),
    source="huggingface/huggingface_hub#4128, #4134",
    judge=judge,
)

"""DV-06: the fabric manager is not running on an NVSwitch machine."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_platform

__all__ = ["COMPLETED", "RULE", "STATES"]

STATES = {0: "not supported", 1: "not started", 2: "in progress", 3: "completed"}
COMPLETED = 3


def judge(situation: Situation) -> Finding | None:
    """Judge each GPU's fabric registration, where there are NVSwitches."""
    machine = situation.machine
    require_platform(machine, "linux")
    gpus = gpus_of(machine)
    driver = machine.driver
    if not driver.module.nvswitches.get():
        raise NotApplicable("no NVSwitch here")
    waiting = [gpu for gpu in gpus if gpu.fabric_state.peek() in (1, 2)]
    if not waiting:
        for gpu in gpus:
            gpu.fabric_state.get()
        return None
    state = STATES[waiting[0].fabric_state.peek() or 0]
    release = driver.release.peek()
    package = (
        f"nvidia-fabricmanager-{str(release).partition('.')[0]}"
        if release
        else "nvidia-fabricmanager"
    )
    return RULE.finding(
        f"the NVLink fabric of {len(waiting)} of {len(gpus)} GPUs is {state}, not completed",
        evidence=(
            observed("NVSwitches", driver.module.nvswitches),
            *(
                observed(
                    f"fabric state of GPU {gpu.index}",
                    gpu.fabric_state,
                    lambda code: STATES.get(code, str(code)),
                )
                for gpu in waiting
            ),
            observed("fabric manager", driver.fabric_manager),
            observed(
                "cuInit", driver.cuinit_code, lambda code: f"error {code}" if code else "success"
            ),
        ),
        cause="On a machine with NVSwitches cuInit fails with 802 until the fabric manager has set up NVLink, for one"
        " GPU as well. nvidia-smi looks healthy meanwhile.",
        fix=Fix(
            "Install the fabric manager of exactly the driver's version, start it, and wait for the state completed",
            (
                f"sudo apt-get install {package}{f'={release}*' if release else ''}",
                "sudo systemctl enable --now nvidia-fabricmanager",
            ),
            needs_root=True,
        ),
        verify="nvidia-smi -q | grep -A2 Fabric",
        ruled_out=("NVML sees the GPUs",),
    )


RULE = MachineRule(
    code="DV-06",
    reason="other",
    layer="devices",
    title="fabric manager not running",
    explanation="On HGX and DGX boards the GPUs are joined by NVSwitches, which the fabric manager configures. Until"
    " it has, the driver refuses CUDA with 'system not yet initialized'.",
    messages=("Error 802: system not yet initialized", "CUDA_ERROR_SYSTEM_NOT_READY"),
    source="pytorch/pytorch#35710; huggingface/huggingface_hub#4134; jax-ml/jax#34113",
    judge=judge,
)

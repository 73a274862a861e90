"""VS-02: NVML and CUDA number unlike GPUs differently."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of

__all__ = ["RULE"]

VARIABLE = "CUDA_DEVICE_ORDER"


def judge(situation: Situation) -> Finding | None:
    """Judge the order's variable on a machine with unlike models."""
    machine = situation.machine
    gpus = gpus_of(machine)
    names = [gpu.name.get() for gpu in gpus]
    if len(set(names)) < 2:
        raise NotApplicable("all GPUs are of one model")
    value = variable_of(machine, VARIABLE)
    if value == "PCI_BUS_ID":
        return None
    chosen = variable_of(machine, "CUDA_VISIBLE_DEVICES")
    numbered = chosen is not None and chosen.replace(",", "").isdigit()
    return RULE.finding(
        f"unlike GPUs, and {VARIABLE} is {value or 'not set'}: CUDA's numbers are not nvidia-smi's",
        evidence=(
            *(
                Evidence(f"GPU {gpu.index} by NVML", name or "", gpu.name.source)
                for gpu, name in zip(gpus, names, strict=True)
            ),
            Evidence(VARIABLE, value or "not set", machine.host.variables.source),
        ),
        cause="CUDA puts the fastest GPU first; NVML and nvidia-smi go by the PCI bus.",
        fix=Fix(
            "Have CUDA go by the bus as well, or select GPUs by UUID",
            (f"export {VARIABLE}=PCI_BUS_ID",),
        ),
        verify=f"printenv {VARIABLE}",
        severity="warning" if numbered else "info",
    )


RULE = MachineRule(
    code="VS-02",
    reason="mig-visible-devices",
    layer="visibility",
    severity="info",
    title="numbering differs between NVML and CUDA",
    explanation="With unlike models the same number names two GPUs, and jobs land on the wrong one.",
    source="gpuopenanalytics/pynvml#28; microsoft/onnxruntime#17546; nanoporetech/bonito#120",
    judge=judge,
)

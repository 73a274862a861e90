"""VS-01: CUDA_VISIBLE_DEVICES hides every GPU."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.gpu import Gpu
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu

__all__ = ["RULE", "VARIABLE", "mask_of"]

VARIABLE = "CUDA_VISIBLE_DEVICES"


def mask_of(situation: Situation) -> tuple[str, ...]:
    """Return the entries of the mask. Raises `NotApplicable` where none is set."""
    value = (situation.machine.host.variables.get() or {}).get(VARIABLE)
    if value is None:
        raise NotApplicable(f"{VARIABLE} is not set")
    return tuple(entry.strip() for entry in value.split(","))


def _names_gpu(entry: str, gpus: tuple[Gpu, ...]) -> bool:
    """Tell whether CUDA would find a GPU by this entry: an index, or the start of a UUID."""
    if entry.isdigit():
        return int(entry) < len(gpus)
    return entry.startswith("GPU-") and any(
        (gpu.uuid.get() or "").startswith(entry) for gpu in gpus
    )


def judge(situation: Situation) -> Finding | None:
    """Judge the first entry: CUDA ignores everything from the first invalid one on."""
    machine = situation.machine
    require_gpu(machine)
    entries = mask_of(situation)
    first = entries[0]
    if first.startswith("MIG-"):
        raise NotApplicable("the mask names MIG instances (VS-05)")
    always_hidden = not first.isdigit() and not first.startswith("GPU-")
    if not always_hidden and _names_gpu(first, machine.gpus.get() or ()):
        return None
    value = ",".join(entries)
    count = len(machine.gpus.peek() or ())
    return RULE.finding(
        f"{VARIABLE}={value!r} hides all GPUs; NVML has {count}"
        if machine.gpus.peek()
        else f"{VARIABLE}={value!r} hides all GPUs",
        evidence=(
            Evidence(VARIABLE, repr(value), machine.host.variables.source),
            observed("GPUs by NVML", machine.gpus, lambda gpus: str(len(gpus))),
        ),
        cause="CUDA shows a process only the GPUs that the variable lists, up to the first invalid entry. Here the"
        " first is " + ("empty" if not first else f"{first!r}") + ".",
        fix=Fix(
            "Unset it, or name a GPU that exists, before the process starts", (f"unset {VARIABLE}",)
        ),
        verify=f"printenv {VARIABLE}",
        ruled_out=("NVML sees the GPUs",) if count else (),
    )


RULE = MachineRule(
    code="VS-01",
    reason="mig-visible-devices",
    layer="visibility",
    title="CUDA_VISIBLE_DEVICES hides everything",
    explanation="An empty value, -1, or an index past the last GPU in first place leaves a process without GPUs."
    " It must be corrected before CUDA starts in the process.",
    messages=("No CUDA GPUs are available", "no CUDA-capable device is detected"),
    source="CUDA Programming Guide, Environment Variables; daydreamlive/scope#676",
    judge=judge,
)

"""VS-05: CUDA_VISIBLE_DEVICES names a MIG instance that does not exist."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of
from stackcheck.rules.visibility.vs01_all_hidden import VARIABLE, mask_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the first entry against the UUIDs of the instances; the old spelling MIG-GPU-.../1/0 by its GPU."""
    machine = situation.machine
    gpus = gpus_of(machine)
    first = mask_of(situation)[0]
    if not first.startswith("MIG-"):
        raise NotApplicable(f"{VARIABLE} names no MIG instance")
    instances = [instance.uuid for gpu in gpus for instance in gpu.mig_instances.get() or ()]
    if any(uuid.startswith(first) for uuid in instances):
        return None
    if first.startswith("MIG-GPU-"):
        parent = first.removeprefix("MIG-").partition("/")[0]
        if any((gpu.uuid.get() or "") == parent and gpu.mig_instances.peek() for gpu in gpus):
            return None
    return RULE.finding(
        f"{VARIABLE} names {first}, which is none of the {len(instances)} MIG instances here",
        evidence=(
            Evidence(VARIABLE, ",".join(mask_of(situation)), machine.host.variables.source),
            *(Evidence("MIG instance", uuid, "NVML") for uuid in instances[:8]),
        ),
        cause="Instances, and so their UUIDs, are made anew after a reboot or a change of profiles.",
        fix=Fix("Read the UUIDs anew", ("nvidia-smi -L", f"export {VARIABLE}=MIG-UUID")),
        verify="nvidia-smi -L",
    )


RULE = MachineRule(
    code="VS-05",
    reason="mig-visible-devices",
    layer="visibility",
    title="MIG identifier stale or malformed",
    explanation="A UUID that names nothing leaves the process without GPUs, without a word.",
    messages=("No CUDA GPUs are available",),
    source="pytorch/pytorch#95784; CUDA Programming Guide, Environment Variables",
    judge=judge,
)

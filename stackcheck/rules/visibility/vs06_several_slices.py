"""VS-06: several MIG slices for one process."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu
from stackcheck.rules.visibility.vs01_all_hidden import VARIABLE, mask_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge a mask that lists more than one instance."""
    machine = situation.machine
    require_gpu(machine)
    entries = mask_of(situation)
    slices = [entry for entry in entries if entry.startswith("MIG-")]
    if not slices:
        raise NotApplicable(f"{VARIABLE} names no MIG instance")
    if len(slices) < 2:
        return None
    return RULE.finding(
        f"{VARIABLE} lists {len(slices)} MIG instances; a process uses the first one only",
        evidence=(Evidence(VARIABLE, ",".join(entries), machine.host.variables.source),),
        cause="CUDA enumerates one MIG instance per process, and NCCL does not join slices.",
        fix=Fix("Start one process per slice", (f"{VARIABLE}={slices[0]} python train.py",)),
        verify=f"printenv {VARIABLE}",
    )


RULE = MachineRule(
    code="VS-06",
    reason="mig-visible-devices",
    layer="visibility",
    severity="warning",
    title="several MIG slices in one process",
    explanation="device_count stays 1, and programs that expected more fail on an assertion.",
    messages=("device >= 0 && device < num_gpus INTERNAL ASSERT FAILED",),
    source="pytorch/pytorch#102715, #130181",
    judge=judge,
)

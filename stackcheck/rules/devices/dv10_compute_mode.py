"""DV-10: the compute mode lets nobody in."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]

PROHIBITED, EXCLUSIVE_PROCESS = 2, 3
_NAMES = {
    0: "default",
    1: "exclusive thread",
    PROHIBITED: "prohibited",
    EXCLUSIVE_PROCESS: "exclusive process",
}


def judge(situation: Situation) -> Finding | None:
    """Judge prohibited GPUs, and exclusive ones that a process holds."""
    gpus = gpus_of(situation.machine)
    closed = find_all(
        gpus, lambda gpu: gpu.compute_mode, lambda mode: mode in (PROHIBITED, EXCLUSIVE_PROCESS)
    )
    taken = [gpu for gpu in closed if gpu.compute_mode.peek() == PROHIBITED or gpu.processes.get()]
    if not taken:
        return None
    first = taken[0]
    mode = first.compute_mode.peek() or 0
    pids = first.processes.peek() or ()
    return RULE.finding(
        f"GPU {first.index} is in {_NAMES[mode]} compute mode"
        + (f" and process {pids[0]} holds it" if mode == EXCLUSIVE_PROCESS and pids else ""),
        evidence=tuple(
            line
            for gpu in taken
            for line in (
                observed(
                    f"compute mode of GPU {gpu.index}",
                    gpu.compute_mode,
                    lambda code: _NAMES.get(code, str(code)),
                ),
                observed(f"processes on GPU {gpu.index}", gpu.processes),
            )
        ),
        cause="The administrator allows one process at a time, or none, on this GPU.",
        fix=Fix(
            "Set the default mode, end the other process, or share the GPU through MPS",
            (f"sudo nvidia-smi -i {first.index} -c DEFAULT",),
            needs_root=True,
        ),
        verify=f"nvidia-smi -q -i {first.index} | grep 'Compute Mode'",
        severity="error" if len(taken) == len(gpus) else "warning",
    )


RULE = MachineRule(
    code="DV-10",
    reason="permission",
    layer="devices",
    title="exclusive or prohibited compute mode",
    explanation="The compute mode says how many processes may use a GPU at once. The second one in exclusive mode"
    " gets error 46.",
    messages=("all CUDA-capable devices are busy or unavailable",),
    source="NVIDIA/DIGITS#2005; pytorch/pytorch#3871",
    judge=judge,
)

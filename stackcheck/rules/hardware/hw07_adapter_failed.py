"""HW-07: the driver is bound to a GPU and cannot initialise it."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import code_text, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_module

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the bound functions against the GPUs that NVML counts."""
    machine = situation.machine
    require_module(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("a container sees fewer GPUs than the bus by design")
    if any(name.startswith("SLURM_JOB") for name in machine.host.variables.get() or {}):
        raise NotApplicable("a batch job sees fewer GPUs than the bus by design")
    bound = [
        function
        for function in machine.pci.get() or ()
        if function.driver.get() == "nvidia"
        and not function.excluded.peek()
        and function.responds.peek() is not False
    ]
    if machine.driver.nvml_code.get() != 0:
        raise NotApplicable("NVML did not start, for another reason")
    counted = machine.gpus.get() or ()
    if len(counted) >= len(bound):
        return None
    seen = {gpu.pci_address.peek() for gpu in counted}
    lost = [function for function in bound if function.address not in seen] or bound
    return RULE.finding(
        f"NVML counts {len(counted)} GPUs, the driver is bound to {len(bound)}: {lost[0].address} did not initialise",
        evidence=(
            *(observed(f"driver of {function.address}", function.driver) for function in lost),
            observed("GPUs by NVML", machine.gpus, lambda gpus: str(len(gpus))),
            observed("nvmlInit", machine.driver.nvml_code, code_text),
        ),
        cause="The module could not start the board (RmInitAdapter failed): firmware settings, a driver that does not"
        " know the board, or a faulty board.",
        fix=Fix(
            "Power the machine off and on, read what the kernel says, then a newer driver",
            ("sudo dmesg | grep -i RmInitAdapter",),
            needs_root=True,
        ),
        verify="nvidia-smi -L",
        ruled_out=("the GPU is on the bus, bound to nvidia, and not excluded",),
    )


RULE = MachineRule(
    code="HW-07",
    reason="ecc-xid-hardware",
    layer="hardware",
    title="adapter initialisation fails",
    explanation="The module owns the function and fails to bring the board up, so NVML counts fewer devices than are"
    " bound.",
    messages=(
        "NVRM: GPU 0000:98:00.0: RmInitAdapter failed! (0x62:0x65:1792)",
        "rm_init_adapter failed, device minor number 0",
        "No devices were found",
    ),
    source="NVIDIA/open-gpu-kernel-modules#789, #862; NVIDIA/gpu-operator#649",
    judge=judge,
    follows=("HW-02", "HW-08", "HW-11", "KM-06", "KM-07", "KM-08", "KM-12", "DV-02", "DV-04"),
)

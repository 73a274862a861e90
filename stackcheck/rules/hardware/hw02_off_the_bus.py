"""HW-02: a GPU has fallen off the bus."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import drives_gpus_by_module

__all__ = ["RULE"]

GPU_IS_LOST = 15
"""NVML_ERROR_GPU_IS_LOST."""


def judge(situation: Situation) -> Finding | None:
    """Judge what NVML and the configuration space say of each GPU."""
    machine = situation.machine
    drives_gpus_by_module(machine)
    gpus = machine.gpus.peek() or ()
    functions = machine.pci.peek() or ()
    lost = [gpu for gpu in gpus if gpu.handle_code.peek() == GPU_IS_LOST]
    silent = [function for function in functions if function.responds.peek() is False]
    if lost or silent:
        names = [f"GPU {gpu.index}" for gpu in lost] or [function.address for function in silent]
        return RULE.finding(
            f"{len(names)} of {max(len(gpus), len(functions))} GPUs fell off the bus: {', '.join(names)}",
            evidence=(
                *(
                    observed(
                        f"NVML handle of GPU {gpu.index}",
                        gpu.handle_code,
                        lambda code: f"error {code}: GPU is lost",
                    )
                    for gpu in lost
                ),
                *(
                    Evidence(f"configuration space of {function.address}", "all ones", "sysfs")
                    for function in silent
                ),
            ),
            cause="The GPU no longer answers on PCI Express (Xid 79): power delivery, seating, a riser, heat, or a"
            " board that is dying.",
            fix=Fix(
                "Power the machine off and on again (a warm reboot may not be enough). If it recurs: check power"
                " leads, seating, risers, temperature and ASPM settings, then replace the board",
                ("sudo poweroff",),
                needs_root=True,
            ),
            verify="nvidia-smi -L",
        )
    for function in functions:
        function.responds.get()
    for gpu in machine.gpus.get() or ():
        gpu.handle_code.get()
    return None


RULE = MachineRule(
    code="HW-02",
    reason="ecc-xid-hardware",
    layer="hardware",
    title="GPU fell off the bus",
    explanation="A GPU that was there at boot stops answering on the bus. Every call to it fails until a power cycle.",
    messages=(
        "NVRM: Xid (PCI:0000:2b:00): 79, GPU has fallen off the bus.",
        "Unable to determine the device handle for GPU: GPU is lost. Reboot the system to recover this GPU",
    ),
    source="NVIDIA/open-gpu-kernel-modules#1151, #1362, #1327",
    judge=judge,
)

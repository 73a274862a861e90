"""NC-09: GPUDirect RDMA is off."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_module

__all__ = ["RULE"]

DMA_BUF = Version("5.12")
"""First kernel by which the network card reaches GPU memory without a peer-memory module (with the open module)."""


def judge(situation: Situation) -> Finding | None:
    """Judge the two ways to it: nvidia_peermem, or DMA-BUF in kernel and open module."""
    machine = situation.machine
    require_module(machine)
    gpus_of(machine)
    cards, peermem = limit_of(machine, "infiniband_devices"), limit_of(machine, "peermem_loaded")
    if not cards.get():
        raise NotApplicable("no RDMA device here")
    if peermem.get():
        return None
    kernel = machine.host.kernel.get() or ""
    numbers = kernel.split("-")[0].split(".")[:2]
    by_kernel = (
        all(number.isdigit() for number in numbers) and Version(".".join(numbers)) >= DMA_BUF
    )
    if by_kernel and machine.driver.module.flavour.get() == "open":
        return None
    return RULE.finding(
        f"{cards.peek()} RDMA devices, and neither nvidia_peermem nor DMA-BUF gives them GPU memory",
        evidence=(
            observed("RDMA devices", cards),
            observed("nvidia_peermem", peermem, lambda found: "loaded" if found else "not loaded"),
            observed("kernel", machine.host.kernel),
            observed("module flavour", machine.driver.module.flavour),
        ),
        cause="Without either, data between nodes takes the detour through host memory.",
        fix=Fix(
            "Load nvidia_peermem, built after the RDMA stack",
            ("sudo modprobe nvidia_peermem",),
            needs_root=True,
        ),
        verify="lsmod | grep nvidia_peermem",
    )


RULE = MachineRule(
    code="NC-09",
    reason="other",
    layer="nccl",
    severity="warning",
    title="GPUDirect RDMA off",
    explanation="A network card can read GPU memory itself, if a kernel module or DMA-BUF lets it.",
    messages=("NCCL INFO NET/IB : GPU Direct RDMA Disabled for HCA 0 'mlx5_0'",),
    source="NVIDIA/nccl#1939, #1537, #988",
    judge=judge,
)

"""Why a GPU is slower than its kind, as far as NVML tells. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stackcheck.model.gpu import Gpu
from stackcheck.model.smoke import StageResult

__all__ = ["HELD_DOWN", "add_causes", "find_causes", "is_slow"]

HELD_DOWN = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""Of NVML's clock event reasons those that a sound GPU does not show; a power cap (0x04) is ordinary under load."""
_POWER_CAP = 0x04


def is_slow(stage: StageResult) -> bool:
    """Whether a stage failed by its rate."""
    return stage.status == "error" and stage.unit == "of peak"


def find_causes(gpus: Sequence[Gpu], own_processes: int = 1) -> list[str]:
    """Return what holds the GPUs back, with NVML's number of each; of its processes some are the smoke's own."""
    return [f"GPU {gpu.index}: {cause}" for gpu in gpus for cause in _of_one(gpu, own_processes)]


def _of_one(gpu: Gpu, own_processes: int) -> list[str]:
    causes = []
    width, most = gpu.link.width.peek(), gpu.link.max_width.peek()
    if width and most and width < most:
        causes.append(f"its PCIe link has {width} of {most} lanes")
    reasons = gpu.event_reasons.peek() or 0
    causes += [
        f"clocks are held down by {word}" for bit, word in HELD_DOWN.items() if reasons & bit
    ]
    if reasons & _POWER_CAP:
        watts = gpu.power_limit_watts.peek()
        limit = f" of {watts:.0f} W" if watts else ""
        causes.append(f"it runs at its power limit{limit}")
    others = len(gpu.processes.peek() or ()) - own_processes
    if others > 0:
        causes.append(f"{others} other processes compute on it")
    if gpu.mig_enabled.peek():
        causes.append("it is split (MIG): an instance has a part of the whole GPU's peak")
    return causes


def add_causes(stage: StageResult, gpus: Sequence[Gpu]) -> StageResult:
    """Add what holds the GPUs back to a stage that was too slow."""
    causes = find_causes(gpus)
    if not causes:
        return stage
    return replace(stage, message=f"{stage.message}; NVML tells: {'; '.join(causes)}")

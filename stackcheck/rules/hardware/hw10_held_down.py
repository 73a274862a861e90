"""HW-10: heat or power holds the clocks down."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import find_all, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import gpus_of

__all__ = ["RULE"]

REASONS = {
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "external power brake",
}
"""NVML's clock event reasons that are faults; 0x4, the power cap, is how a busy GPU runs."""
MASK = 0xE8


def _name(mask: int) -> str:
    return ", ".join(text for bit, text in REASONS.items() if mask & bit)


def judge(situation: Situation) -> Finding | None:
    """Judge the reasons of this moment."""
    gpus = gpus_of(situation.machine)
    held = find_all(gpus, lambda gpu: gpu.event_reasons, lambda mask: bool(mask & MASK))
    if not held:
        return None
    mask = held[0].event_reasons.peek() or 0
    return RULE.finding(
        f"{len(held)} of {len(gpus)} GPUs are held down: GPU {held[0].index} by {_name(mask)}",
        evidence=(
            *(
                observed(
                    f"clock event reasons of GPU {gpu.index}",
                    gpu.event_reasons,
                    lambda value: f"0x{value:x} ({_name(value)})",
                )
                for gpu in held
            ),
            *(
                observed(
                    f"temperature of GPU {gpu.index}",
                    gpu.temperature_celsius,
                    lambda value: f"{value} C",
                )
                for gpu in held
            ),
        ),
        cause="The power supply or the chassis asserts the brake."
        if mask & 0x80
        else "The board is too hot, or its power delivery reports trouble.",
        fix=Fix(
            "Check power supplies and the chassis' power limit"
            if mask & 0x80
            else "Check fans, airflow and dust, power leads, and the power limit"
        ),
        verify="nvidia-smi -q -d PERFORMANCE",
    )


RULE = MachineRule(
    code="HW-10",
    reason="other",
    layer="hardware",
    severity="warning",
    title="clocks held down by heat or power",
    explanation="The GPU works, and slowly: firmware lowers its clocks to protect the board.",
    source="NVIDIA/go-nvml: nvml.h",
    judge=judge,
)

"""WS-06: WSL's memory limit is below what training wants."""

from __future__ import annotations

import re

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import require_gpu, require_platform

__all__ = ["RULE"]

LEAST = 8 << 30
"""Bytes below which loading a framework with a model of some size ends with `Killed`."""
_UNITS = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "": 1}


def judge(situation: Situation) -> Finding | None:
    """Judge `memory=` in the Windows user's .wslconfig."""
    machine = situation.machine
    require_platform(machine, "wsl2")
    require_gpu(machine)
    file = file_of(machine, ".wslconfig")
    text = file.get() or ""
    found = re.search(r"^\s*memory\s*=\s*(\d+)\s*([KMGT]B|)", text, re.IGNORECASE | re.MULTILINE)
    if not found or int(found[1]) * _UNITS[found[2].upper()] >= LEAST:
        return None
    return RULE.finding(
        f".wslconfig limits WSL to {found[1]}{found[2]} of memory; training wants {LEAST >> 30}GB or more",
        evidence=(Evidence(".wslconfig", found[0].strip(), file.source),),
        cause="WSL takes no more than this, whatever the machine has; by default it is half of it.",
        fix=Fix(
            "Raise `memory=` in %UserProfile%\\.wslconfig, then restart WSL", ("wsl --shutdown",)
        ),
        verify="free -g",
    )


RULE = MachineRule(
    code="WS-06",
    reason="other",
    layer="wsl",
    severity="warning",
    title="WSL's memory limit",
    explanation="A process beyond the limit is killed by the kernel, with nothing said by the framework.",
    messages=("Killed",),
    source="Microsoft documentation, Advanced settings configuration in WSL",
    judge=judge,
)

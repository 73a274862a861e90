"""WS-05: the environment lies on a Windows drive."""

from __future__ import annotations

import re

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import environment_of, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the environment's prefix."""
    machine = situation.machine
    require_platform(machine, "wsl2")
    environment = environment_of(machine)
    if not re.match(r"/mnt/[a-z]/", environment.prefix):
        return None
    return RULE.finding(
        f"the environment {environment.prefix} lies on a Windows drive: imports take many times longer",
        evidence=(Evidence("environment", environment.prefix, environment.chosen_by or "PATH"),),
        cause="Every file below /mnt goes through a network protocol between WSL and Windows, and a framework is"
        " tens of thousands of files.",
        fix=Fix(
            "Make the environment below your Linux home",
            ("stackcheck create-env pytorch -p ~/envs/torch",),
        ),
        verify="df -T .",
    )


RULE = MachineRule(
    code="WS-05",
    reason="other",
    layer="wsl",
    severity="warning",
    title="environment on a Windows drive",
    explanation="WSL's own file system is fast; drives of Windows are mounted below /mnt by 9P.",
    source="Microsoft documentation, Working across Windows and Linux file systems",
    judge=judge,
)

"""RS-02: inodes or quota are used up."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["RULE"]

NEEDED = 50_000
"""Files of a conda environment with CUDA."""
_PLACES = {
    "tmp_free_inodes": "the temporary directory",
    "env_free_inodes": "the environment's disk",
}


def judge(situation: Situation) -> Finding | None:
    """Judge free inodes; -1 is a file system that counts none."""
    limits = situation.machine.host.limits
    looked_at = [name for name in _PLACES if name in limits]
    if not looked_at:
        raise NotApplicable("not looked at: free inodes")
    for name in looked_at:
        fact = limit_of(situation.machine, name)
        left = fact.get()
        if left is None or left < 0 or left >= NEEDED:
            continue
        return RULE.finding(
            f"{_PLACES[name]} has {left} inodes left; an environment with CUDA is some {NEEDED} files",
            evidence=(Evidence(_PLACES[name], f"{left} inodes free", fact.source),),
            cause="A disk can be full of files while bytes are left.",
            fix=Fix(
                "Clean the package caches, or move them",
                ("conda clean --all", "python -m pip cache purge", "uv cache clean"),
            ),
            verify="df -i",
        )
    return None


RULE = MachineRule(
    code="RS-02",
    reason="other",
    layer="resources",
    severity="warning",
    title="inodes or quota used up",
    explanation="The message is the same as for a full disk; a quota's is `Disk quota exceeded`.",
    messages=("OSError: [Errno 122] Disk quota exceeded", "No space left on device"),
    source="pypa/pip#5816",
    judge=judge,
)

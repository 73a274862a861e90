"""RS-03: a directory for compiled code is mounted noexec."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of

__all__ = ["RULE"]

_PLACES = {
    "tmp_noexec": ("the temporary directory", "TMPDIR"),
    "triton_cache_noexec": ("Triton's cache", "TRITON_CACHE_DIR"),
}


def judge(situation: Situation) -> Finding | None:
    """Judge the mounts, where something that compiles at run time is installed."""
    machine = situation.machine
    if not {"torch", "triton", "numba", "cupy"} & set(distributions_of(machine)):
        raise NotApplicable("nothing installed loads code that it compiled itself")
    looked_at = [name for name in _PLACES if name in machine.host.limits]
    if not looked_at:
        raise NotApplicable("not looked at: mount options")
    for name in looked_at:
        fact = limit_of(machine, name)
        if not fact.get():
            continue
        place, variable = _PLACES[name]
        return RULE.finding(
            f"{place} is mounted noexec: compiled code cannot be loaded from there",
            evidence=(Evidence(place, "noexec", fact.source),),
            cause="The administrator forbids running programs from there, and loading a library counts as that.",
            fix=Fix(
                "Name directories on a mount without it",
                (
                    f"export {variable}=$HOME/.cache/compiled",
                    "export TORCH_EXTENSIONS_DIR=$HOME/.cache/torch",
                ),
            ),
            verify="findmnt -T ${TMPDIR:-/tmp}",
        )
    return None


RULE = MachineRule(
    code="RS-03",
    reason="permission",
    layer="resources",
    severity="warning",
    title="temporary or cache directory mounted noexec",
    explanation="torch.compile, Triton and extensions build libraries and load them from their caches.",
    messages=("ImportError: failed to map segment from shared object",),
    source="pytorch/pytorch#91005, #123054, #184362",
    judge=judge,
)

"""PY-11: packages from outside shadow the environment's."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]

WATCHED = {"torch", "tensorflow", "jax", "jaxlib", "numpy", "cupy", "keras", "torchvision"}


def judge(situation: Situation) -> Finding | None:
    """Judge where the frameworks' metadata lies: under the user base, or in a directory of PYTHONPATH."""
    machine = situation.machine
    environment = environment_of(machine)
    if environment.kind.get() not in ("venv", "conda", "uv", "pixi"):
        raise NotApplicable("the system's Python shares the user's packages by design")
    variables = machine.host.variables.get() or {}
    added = [entry for entry in variables.get("PYTHONPATH", "").split(":") if entry]
    base = variables.get("PYTHONUSERBASE") or f"{variables.get('HOME', '~')}/.local"
    roots = [f"{base}/lib/python", *(f"{entry.rstrip('/')}/" for entry in added)]
    foreign = [
        distribution
        for distribution in environment.distributions.get() or ()
        if (distribution.name in WATCHED or distribution.name.startswith("nvidia-"))
        and distribution.path.startswith(tuple(roots))
        and not distribution.path.startswith(f"{environment.prefix}/")
    ]
    if not foreign:
        return None
    entry = foreign[0]
    by_path = any(entry.path.startswith(f"{root.rstrip('/')}/") for root in added)
    name = "PYTHONPATH" if by_path else "the user's site-packages"
    return RULE.finding(
        f"{entry.name} {entry.version} comes from {name}, not from the environment {environment.prefix}",
        evidence=tuple(Evidence(entry.name, entry.version, entry.path) for entry in foreign),
        cause="Python looks there before, or besides, the environment's own packages.",
        fix=Fix("Unset PYTHONPATH", ("unset PYTHONPATH",))
        if by_path
        else Fix("Leave the user's packages out", ("export PYTHONNOUSERSITE=1",)),
        verify=f"python -m pip show {entry.name}",
        subject=entry.name,
    )


RULE = MachineRule(
    code="PY-11",
    reason="other",
    layer="python",
    severity="warning",
    title="user site-packages shadow the environment",
    explanation="conda environments do not switch ~/.local off, and PYTHONPATH comes before everything.",
    source="conda/conda#7173, #394; cta-observatory/cta-lstchain#791",
    judge=judge,
)

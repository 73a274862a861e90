"""PY-17: leftovers of another version of a framework."""

from __future__ import annotations

from collections import defaultdict

from stackcheck.model.environment import Distribution
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge two metadata entries of one project in one directory, and files that its record names in vain."""
    environment = environment_of(situation.machine)
    entries: dict[tuple[str, str], list[Distribution]] = defaultdict(list)
    distributions = environment.distributions.get() or ()
    for distribution in distributions:
        if not distribution.path.endswith(".json"):
            entries[distribution.name, distribution.path.rpartition("/")[0]].append(distribution)
    twice = [found for found in entries.values() if len({entry.version for entry in found}) > 1]
    holes = [
        entry
        for entry in distributions
        if entry.missing_files.peek() and not entry.name.startswith("nvidia-")
    ]
    if not twice and not holes:
        return None
    found = twice[0] if twice else holes
    entry = found[-1]
    title = (
        f"{entry.name} has {len(found)} metadata entries: {' and '.join(e.version for e in found)}"
        if twice
        else f"{entry.name} {entry.version} lacks {entry.missing_files.peek()} of its files"
    )
    return RULE.finding(
        title,
        evidence=tuple(Evidence(entry.name, entry.version, entry.path) for entry in found),
        cause="An upgrade or a removal was cut short, or files were copied over: what is imported is a mixture.",
        fix=Fix(
            "Remove it, delete what is left of it, install it again",
            (
                f"python -m pip uninstall -y {entry.name}",
                f"python -m pip install --force-reinstall {entry.name}=={entry.version}",
            ),
            reversible=True,
        ),
        verify="python -m pip check",
        subject=entry.name,
    )


RULE = MachineRule(
    code="PY-17",
    reason="other",
    layer="python",
    title="framework leftovers after an upgrade",
    explanation="pip removes what its record names. A record that is wrong leaves files behind, or leaves a package"
    " without some.",
    messages=("ModuleNotFoundError from a package that is installed",),
    source="NVIDIA/cutlass#3132; pytorch/vision#9174",
    judge=judge,
)

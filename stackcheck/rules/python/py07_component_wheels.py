"""PY-07: CUDA component wheels of two majors overwrite one another."""

from __future__ import annotations

from stackcheck.model.environment import Distribution
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import distributions_of

__all__ = ["RULE"]

SHARED = ("nvidia-cudnn", "nvidia-cusparselt", "nvidia-nvshmem")
"""Wheels whose cu12 and cu13 editions own the same directory; the others of CUDA 13 lie in nvidia/cu13."""


def _broken(distribution: Distribution) -> bool:
    return bool(distribution.missing_files.peek())


def judge(situation: Situation) -> Finding | None:
    """Judge editions that share a directory, and what is missing of them."""
    distributions = distributions_of(situation.machine)
    pairs = [
        (distributions[f"{stem}-cu12"], distributions[f"{stem}-cu13"])
        for stem in SHARED
        if f"{stem}-cu12" in distributions and f"{stem}-cu13" in distributions
    ]
    broken = [
        entry
        for name, entry in distributions.items()
        if name.startswith("nvidia-") and _broken(entry)
    ]
    if not pairs and not broken:
        return None
    if broken:
        entry = broken[0]
        return RULE.finding(
            f"{entry.name} {entry.version} lacks {entry.missing_files.peek()} of its files",
            evidence=tuple(
                Evidence(entry.name, f"{entry.missing_files.peek()} files missing", entry.path)
                for entry in broken
            ),
            cause="Uninstalling the edition for another CUDA major took files that both owned. The installer believes"
            " the package satisfied.",
            fix=Fix(
                "Force it to be installed again; better, make a new environment",
                (
                    f"python -m pip install --force-reinstall --no-deps {entry.name}=={entry.version}",
                ),
                reversible=True,
            ),
            verify="stackcheck doctor --only PY-07",
            subject=entry.name,
        )
    first, second = pairs[0]
    return RULE.finding(
        f"{first.name} {first.version} and {second.name} {second.version} own the same files",
        evidence=tuple(
            Evidence(entry.name, entry.version, entry.path) for pair in pairs for entry in pair
        ),
        cause="The editions for CUDA 12 and 13 lie in one directory; the last one installed wins, and removing one"
        " breaks the other.",
        fix=Fix("Make an environment with one CUDA major", ("stackcheck create-env pytorch",)),
        verify="stackcheck doctor --only PY-07",
        subject=first.name,
        severity="warning",
    )


RULE = MachineRule(
    code="PY-07",
    reason="co-install-conflict",
    layer="python",
    title="component wheels overwrite one another",
    explanation="Frameworks for CUDA 12 and 13 in one environment bring two editions of the same library.",
    messages=("libnvshmem_host.so.3: cannot open shared object file: No such file or directory",),
    source="sgl-project/sglang#31035; rwth-i6/returnn#1802",
    judge=judge,
)

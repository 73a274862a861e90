"""PY-20: a measured exception: a build that fails although the rules allow it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.model.build import Build
from stackcheck.model.fact import Fact
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.specifier import admits
from stackcheck.model.version import Version
from stackcheck.rules.rule import BuildRule, Situation

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.knowledge.rows import Quirk

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the build against the rows of quirks.yaml."""
    for quirk in _quirks_of(build, situation.knowledge):
        if _shows(quirk, situation):
            return RULE.finding(
                f"{build.label}: {quirk.message}",
                evidence=tuple(
                    Evidence(row.source, row.kind, row.checked) for row in quirk.evidence
                ),
                cause="Measured, and against what the general rules say.",
                fix=Fix(quirk.fix),
                subject=build.label,
                severity="warning" if quirk.severity == "warning" else "error",
                reason=quirk.reason,
            )
    return None


@lru_cache(maxsize=4096)
def _quirks_of(build: Build, knowledge: Knowledge) -> tuple[Quirk, ...]:
    return tuple(quirk for quirk in knowledge.quirks if _is_about(quirk, build))


def _is_about(quirk: Quirk, build: Build) -> bool:
    return (
        quirk.framework in (build.framework, build.distribution, "*")
        and admits(quirk.versions, build.version)
        and (not quirk.builds or build.build.startswith(quirk.builds))
        and (not quirk.channels or build.channel in quirk.channels)
        and (not quirk.platforms or build.platform in quirk.platforms)
    )


def _shows(quirk: Quirk, situation: Situation) -> bool:
    """Tell whether the machine is one where it shows. Raises `Undecided` if a fact that decides is not known."""
    if quirk.capabilities:
        capabilities = [gpu.compute_capability.get() for gpu in situation.machine.gpus.get() or ()]
        if not any(each is not None and admits(quirk.capabilities, each) for each in capabilities):
            return False
    if not _holds(situation.machine.driver.release, quirk.drivers) or not _holds(
        situation.python, quirk.python
    ):
        return False
    for name, specifier in quirk.packages.items():
        version = situation.packages.get(name)
        if version is None or not admits(specifier, version):
            return False
    return True


def _holds(fact: Fact[Version], specifier: str) -> bool:
    if not specifier:
        return True
    value = fact.get()
    return value is not None and admits(specifier, value)


RULE = BuildRule(
    code="PY-20",
    reason="other",
    layer="python",
    title="measured exception",
    explanation="Some builds fail where every general rule lets them pass, for example by a packaging fault."
    " Such rows are kept with their evidence in quirks.yaml.",
    source="matrices/quirks.yaml",
    judge=judge,
)

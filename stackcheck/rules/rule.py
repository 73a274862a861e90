"""What a rule is, and what it may look at.

A rule judges a machine, or a build on a machine, or a set of builds and packages. It returns a `Finding`, or None for
a pass; reading a fact that nobody could get raises `Undecided`, which the runner reports. It does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from stackcheck.model.fact import UNSTATED, Fact, Known, Unknown
from stackcheck.model.finding import Evidence, Finding, Fix, Severity
from stackcheck.model.record import record
from stackcheck.model.version import Version

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.build import Build
    from stackcheck.model.machine import Machine

__all__ = ["BuildRule", "MachineRule", "Rule", "SetRule", "Situation"]

PYTHON_UNSTATED = Unknown(UNSTATED.reason, "Python", unstated=True)


@record(frozen=True, eq=False)
class Situation:
    """A machine, and the builds and packages that shall run on it together. Compared by identity."""

    machine: Machine
    knowledge: Knowledge
    builds: tuple[Build, ...] = ()
    packages: Mapping[str, Version | None] = field(default_factory=dict)
    """Other distributions beside the builds, by normalised name; None where the version was not said."""
    python: Fact[Version] = PYTHON_UNSTATED
    advise: bool = True
    """Whether a fix shall name another build that would run; finding one means judging many, so a search that judges
    many itself goes without."""

    @property
    def platform(self) -> str:
        """Platform for table look-ups: that of the host, Linux where nobody said."""
        return self.machine.host.platform.peek() or "linux"

    @property
    def has_no_gpu(self) -> bool:
        """Whether it is known that there is no GPU: then GPU builds run on the CPU and nothing of a GPU rules."""
        gpus = self.machine.gpus
        return isinstance(gpus, Known) and not gpus.value

    @cached_property
    def driver_cuda(self) -> Fact[Version]:
        """The CUDA driver version: as reported, else the one that the driver's branch has on Linux."""
        driver = self.machine.driver
        if isinstance(driver.cuda, Known) or not isinstance(driver.release, Known):
            return driver.cuda
        derived = self.knowledge.cuda_of_driver(driver.release.value, self.platform)
        return (
            driver.cuda
            if derived is None
            else Known(derived, f"branch of driver {driver.release.value}")
        )


@record(frozen=True, kw_only=True)
class Rule:
    """What every rule carries; `explain CODE` prints it."""

    code: str
    reason: str
    """Slug of the cause, shared with other programs."""
    layer: str
    severity: Severity = "error"
    title: str
    """What it is about, in a few words."""
    explanation: str
    """Why it happens and what mends it, for people."""
    messages: tuple[str, ...] = ()
    """What users see on their screens."""
    source: str

    def finding(
        self,
        title: str,
        *,
        evidence: tuple[Evidence, ...] = (),
        cause: str = "",
        fix: Fix | None = None,
        verify: str = "",
        ruled_out: tuple[str, ...] = (),
        subject: str = "",
        severity: Severity | None = None,
        reason: str = "",
    ) -> Finding:
        """Make a finding of this rule; `title` is one sentence with the numbers compared."""
        return Finding(
            code=self.code,
            reason=reason or self.reason,
            severity=severity or self.severity,
            layer=self.layer,
            title=title,
            evidence=evidence,
            cause=cause,
            fix=fix or Fix(""),
            verify=verify,
            ruled_out=ruled_out,
            subject=subject,
        )


@record(frozen=True, kw_only=True)
class MachineRule(Rule):
    """Judges a machine."""

    judge: Callable[[Situation], Finding | None]
    follows: tuple[str, ...] = ()
    """Codes of rules whose finding explains this one: then it is folded under that finding as a consequence."""


@record(frozen=True, kw_only=True)
class BuildRule(Rule):
    """Judges one build on a machine."""

    judge: Callable[[Build, Situation], Finding | None]
    follows: tuple[str, ...] = ()


@record(frozen=True, kw_only=True)
class SetRule(Rule):
    """Judges the builds and packages of one environment together."""

    judge: Callable[[Situation], Finding | None]
    follows: tuple[str, ...] = ()

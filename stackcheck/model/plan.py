"""Plans: what the resolver promises, and what stands against one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from stackcheck.model.build import Build
from stackcheck.model.finding import Finding
from stackcheck.model.record import record
from stackcheck.model.version import Version

__all__ = ["Plan", "Rejection", "Requirement", "Resolution", "Unlock", "Verdict"]


@record(frozen=True)
class Requirement:
    """One SPEC of the command line or of a requirements file, normalised."""

    text: str
    """As the user wrote it."""
    name: str
    """Framework (`pytorch`) or normalised distribution name (`numpy`)."""
    is_framework: bool
    specifier: str = ""
    """PEP 440 specifier set, empty for any version."""
    build: str = ""
    """Build prefix asked for: `cpu`, `cu126`, `cu12`; empty for any."""
    backend: str = ""
    """Keras backend chosen as an extra."""
    distribution: str = ""
    extras: tuple[str, ...] = ()
    """As pip writes them, `and-cuda`, underscores as hyphens."""
    place: str = ""
    """`requirements.txt:3` where it came from a file."""

    @property
    def is_pinned(self) -> bool:
        """Whether it names one release or one release line, to be judged as it is."""
        return self.specifier.startswith("==") and "," not in self.specifier


@record(frozen=True)
class Plan:
    """Builds that hold together on every machine asked for."""

    builds: tuple[Build, ...]
    python: str
    """Minor version, `3.12`."""
    cuda: Version | None
    """CUDA of the environment's builds; None for a CPU environment."""
    cudnn: Version | None
    nccl: Version | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    """Further pins, distribution to specifier: companions, held-back libraries, NumPy caps, what the user added."""
    platform: str = "linux-x86_64"
    glibc: Version | None = None
    """glibc of the machine it is for, where known."""
    driver_cuda: Version | None = None
    """CUDA driver version of the machine it is for, where known."""
    capabilities: tuple[Version, ...] = ()
    """Compute capabilities of the GPUs it is for, ascending."""
    machine: tuple[str, ...] = ()
    """What a machine needs to run it, one sentence each (driver floor, GPUs, glibc)."""
    exclude_newer: str = ""
    """Date that installers should be told, for old releases."""


@record(frozen=True)
class Rejection:
    """A runner-up and what ruled it out."""

    build: str
    code: str
    reason: str
    message: str


@record(frozen=True)
class Unlock:
    """A change of the machine or the request, and what it would gain."""

    change: str
    gains: tuple[str, ...]
    driver: Version | None = None
    """The driver that the change is to, where it is that."""


@record(frozen=True)
class Resolution:
    """The answer to `resolve`. `status` is `ok`, `impossible` or `unknown`."""

    status: str
    plan: Plan | None
    rejected: tuple[Rejection, ...] = ()
    unlocks: tuple[Unlock, ...] = ()
    assumed: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    """On failure the smallest set of causes, in plain sentences."""
    warnings: tuple[Finding, ...] = ()


@record(frozen=True)
class Verdict:
    """The answer to `check`. `verdict` is `works`, `fails` or `unknown`."""

    verdict: str
    violations: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    assumed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What would have to be known to decide."""
    builds: tuple[Build, ...] = ()
    """The builds judged, where one was found."""

"""The rows of NVIDIA's tables, of extensions and of quirks.

Frozen, and told apart by identity; None is unknown unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

from stackcheck.knowledge.fields import (
    ArchitecturesText,
    DateText,
    DriverText,
    SpecifierText,
    VersionText,
    WordsText,
)
from stackcheck.model.build import RowEvidence
from stackcheck.model.record import record
from stackcheck.model.version import Architecture, Version

__all__ = [
    "ArchitectureLife",
    "CudaRelease",
    "CudnnSupport",
    "DriverBranch",
    "DriverFloor",
    "ExtensionRelease",
    "ForwardPackage",
    "FrameworkName",
    "GpuProduct",
    "JetPack",
    "LibraryRelease",
    "LibrarySeries",
    "OsRelease",
    "Peaks",
    "Quirk",
    "Row",
]


class Row:
    """What all have in common: a key that nobody declared is a fault."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@record(frozen=True)
class FrameworkName:
    """What a name that a user writes stands for; `build` is the label prefix that the name implies, or empty."""

    framework: str
    distribution: str
    build: str = ""


@record(frozen=True, eq=False)
class DriverBranch(Row):
    """A Linux driver branch (R580) and the highest CUDA that it reports."""

    branch: int
    cuda: VersionText | None
    kind: str = ""
    """`lts`, `production`, `new-feature`; empty if unknown."""
    end_of_life: DateText = ""
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class DriverFloor(Row):
    """Oldest driver that runs an application of a CUDA release or major (minor-version compatibility)."""

    cuda: VersionText
    """A major (`12`) or one release (`11.0`); the longer match wins."""
    linux: DriverText
    windows: DriverText
    evidence: tuple[RowEvidence, ...] = ()
    note: str = ""


@record(frozen=True, eq=False)
class CudaRelease(Row):
    """A CUDA toolkit release, the driver made with it, and what it can compile and be compiled with."""

    version: VersionText
    label: str = ""
    """NVIDIA's name where it is not the version (`12.9 Update 1`)."""
    driver_linux: DriverText | None = None
    """The driver of that release: it has all of its features. Not the floor; see `Knowledge.driver_floor`."""
    driver_windows: DriverText | None = None
    ptx_isa: VersionText | None = None
    """Newest PTX that its assembler takes and its compiler writes."""
    gcc: VersionText | None = None
    """Newest GCC major that nvcc accepts."""
    clang: VersionText | None = None
    """First clang major that nvcc refuses."""
    components: Mapping[str, VersionText] = field(default_factory=dict)
    """Component to the version that belongs to this toolkit (`cublas` to 12.8.4.1)."""
    evidence: tuple[RowEvidence, ...] = ()
    note: str = ""


@record(frozen=True, eq=False)
class ArchitectureLife(Row):
    """One compute capability: which toolkits can target it and which drivers still drive it."""

    name: str
    """`Pascal`."""
    capability: VersionText
    first_cuda: VersionText | None
    last_cuda: VersionText | None = None
    """None: ongoing."""
    first_driver: int | None = None
    """First driver branch, where a source states it."""
    last_driver: int | None = None
    """None: ongoing, or the driver is the board's own (`tegra`)."""
    tegra: bool = False
    aliases: tuple[str, ...] = ()
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class Peaks(Row):
    """Dense peak rates of the datasheet in TFLOP/s, memory bandwidth in GB/s; None where no source was found."""

    fp64: float | None = None
    fp32: float | None = None
    tf32: float | None = None
    bf16: float | None = None
    fp16: float | None = None
    fp8: float | None = None
    bandwidth_gb_s: float | None = None


@record(frozen=True, eq=False)
class GpuProduct(Row):
    """A product by the name that NVML and people write."""

    name: str
    capability: VersionText
    kind: str
    """`geforce`, `rtx-pro`, `quadro`, `titan`, `datacenter`, `jetson`, `grace`, `mobile-pro`."""
    aliases: tuple[str, ...] = ()
    memory_gib: float | None = None
    """Memory of the largest variant, GiB."""
    peaks: Peaks | None = None
    pci_ids: WordsText = ()
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class LibrarySeries(Row):
    """Releases of one NVIDIA library wheel that share what is inside."""

    library: str
    """`cublas`, `cudnn`, `nccl`."""
    distribution: str
    """`nvidia-cudnn-cu12`."""
    cuda: VersionText
    """CUDA major that it is for."""
    versions: WordsText
    """Oldest first."""
    platforms: WordsText
    architectures: ArchitecturesText | None
    glibc: VersionText | None = None
    yanked: bool = False
    measured: bool = True
    """False where the architectures are taken over from opened neighbours of the same series."""
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class LibraryRelease:
    """One release of one NVIDIA library wheel."""

    library: str
    distribution: str
    version: VersionText
    series: LibrarySeries

    @property
    def cuda(self) -> Version:
        """CUDA major that it is for."""
        return self.series.cuda

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platforms that it has wheels for."""
        return self.series.platforms

    @property
    def architectures(self) -> tuple[Architecture, ...] | None:
        """Machine code and PTX inside; None unknown."""
        return self.series.architectures


@record(frozen=True, eq=False)
class CudnnSupport(Row):
    """NVIDIA's support matrix for cuDNN releases `first` to `last`."""

    first: VersionText
    last: VersionText
    cuda: tuple[SpecifierText, ...]
    """Any of these CUDA releases."""
    capability_min: VersionText | None
    capability_max: VersionText | None
    """Newest that the matrix names; newer ones of the same major also run."""
    evidence: tuple[RowEvidence, ...] = ()
    note: str = ""


@record(frozen=True, eq=False)
class ForwardPackage(Row):
    """A `cuda-compat-X-Y` package: kernel driver branch to `compatible`, `not-needed` or `incompatible`."""

    cuda: VersionText
    branches: Mapping[str, str]
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class OsRelease(Row):
    """An operating system as people write it; `pattern` is searched in the text, case ignored."""

    name: str
    pattern: str
    platform: str
    """As `Host.platform`."""
    glibc: VersionText | None = None
    """None where it has none, or every release its own."""
    has_glibc: bool = True
    supported_by: tuple[SpecifierText, ...] = ()
    """CUDA releases whose installation guide lists it, where known."""
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class JetPack(Row):
    """A JetPack release: its CUDA and the newer ones that its upgrade packages bring."""

    version: VersionText
    """`5` for all of a line."""
    cuda: VersionText
    upgrades: tuple[VersionText, ...] = ()
    glibc: VersionText | None = None
    pattern: str = ""
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class Quirk(Row):
    """A measured exception: a build that fails although the rules allow it, or the other way round."""

    name: str
    framework: str
    """Framework, or the extension's distribution name."""
    versions: SpecifierText
    reason: str
    message: str
    """One sentence that a user reads."""
    fix: str = ""
    builds: tuple[str, ...] = ()
    """Label prefixes; none means every build."""
    channels: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    capabilities: SpecifierText = ""
    """Compute capabilities that it needs to show; empty for any."""
    drivers: SpecifierText = ""
    python: SpecifierText = ""
    packages: Mapping[str, SpecifierText] = field(default_factory=dict)
    """Other distributions that must be there for it to show."""
    severity: str = "error"
    evidence: tuple[RowEvidence, ...] = ()


@record(frozen=True, eq=False)
class ExtensionRelease(Row):
    """A release of something compiled against a framework, and which build of it that release fits."""

    extension: str
    """Distribution name."""
    version: VersionText
    framework: str
    requires: Mapping[str, SpecifierText]
    """Distribution of the framework to the versions that it fits."""
    builds: tuple[str, ...] = ()
    """Label prefixes of the framework's builds that it fits; none means every build."""
    cuda: VersionText | None = None
    """CUDA of its own code."""
    architectures: ArchitecturesText | None = None
    capability_min: VersionText | None = None
    requires_python: SpecifierText = ""
    python_tags: WordsText = ()
    platforms: WordsText = ()
    numpy: SpecifierText = ""
    exact_abi: bool = False
    """Compiled against exactly those versions: another one fails with an undefined symbol."""
    released: DateText = ""
    yanked: bool = False
    evidence: tuple[RowEvidence, ...] = ()

"""Knowledge rows: what a framework build is, never what it works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from stackcheck.model.record import record
from stackcheck.model.version import Architecture, Version

__all__ = ["Build", "RowEvidence"]


@record(frozen=True)
class RowEvidence:
    """Where a row comes from. `kind` is `wheel`, `doc` or `report`; `checked` a date (YYYY-MM-DD)."""

    kind: str
    source: str
    checked: str
    sha256: str = ""


@record(frozen=True, eq=False)
class Build:
    """One framework release for one CUDA, channel and platform.

    A value of None is unknown unless its field says otherwise. The key is (framework, version, build, channel,
    platform).
    """

    framework: str
    version: Version
    build: str
    """`cu128`, `cpu`, `source`, or what the channel calls it."""
    channel: str
    """`pypi`, `pytorch` (the project's wheel index), `conda-forge`, `conda:pytorch`, `docker`, ..."""
    platform: str
    """`linux-x86_64`, `linux-aarch64`, `jetson`, `windows-x86_64`, `macos-arm64`, `macos-x86_64`."""
    distribution: str
    """Name to install (`torch`, `tensorflow-gpu`, `mxnet-cu112`)."""
    cuda: Version | None = None
    """CUDA that it was built with; None in a CPU build, or unknown."""
    cuda_linkage: str = ""
    """How it gets CUDA's libraries: `bundled`, `pinned`, `floor`, `system` or empty if unknown."""
    cudnn: Version | None = None
    cudnn_linkage: str = ""
    """`static`, `bundled`, `pinned`, `floor` (this or newer of the major), `system`, `none` or empty if unknown."""
    nccl: Version | None = None
    architectures: tuple[Architecture, ...] | None = None
    """cubins and PTX of the framework's own code, ascending; None unknown, () in a CPU build."""
    requires_python: str = ""
    python_tags: tuple[str, ...] = ()
    """`cp311`, `cp313t`, `py3`."""
    glibc: Version | None = None
    """Oldest glibc that it loads with; None off Linux or unknown."""
    numpy: str = ""
    """Specifier that its compiled code needs (`<2`), whether or not its metadata says so."""
    protobuf: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    """Pins that matter: distribution name to specifier (`nvidia-cudnn-cu12` to `==9.1.0.70`)."""
    companions: Mapping[str, str] = field(default_factory=dict)
    """Satellites that belong to it: `torchvision` to `0.24.0`."""
    install: str = ""
    """Command that installs exactly this build."""
    image: str = ""
    released: str = ""
    end_of_life: str = ""
    default: bool = False
    """What the channel gives to someone who names no build."""
    yanked: bool = False
    capability_max: Version | None = None
    """Newest compute capability that its own compiler (XLA, NVRTC) can target, where PTX alone does not save it."""
    jit: tuple[str, ...] = ()
    """Run-time compilers that hand PTX to the driver or target the GPU themselves (`xla`, `nvrtc`, `triton`)."""
    evidence: tuple[RowEvidence, ...] = ()

    @property
    def key(self) -> tuple[str, Version, str, str, str]:
        """What identifies the row."""
        return (self.framework, self.version, self.build, self.channel, self.platform)

    @property
    def is_gpu(self) -> bool:
        """Whether it has GPU code at all."""
        return self.build != "cpu"

    @property
    def from_source(self) -> bool:
        """Whether the machine's toolkit compiles it, at install or at run time; then `cuda` is the oldest it takes."""
        return self.build == "source"

    @property
    def label(self) -> str:
        """`pytorch 2.9.0+cu128`."""
        return f"{self.framework} {self.version}+{self.build}"

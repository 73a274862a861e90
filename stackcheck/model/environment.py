"""Python environments, what is installed in them, CUDA toolkits and the loader's view."""

from __future__ import annotations

from dataclasses import field

from stackcheck.model.driver import Library
from stackcheck.model.fact import UNPROBED, Fact
from stackcheck.model.record import record
from stackcheck.model.version import VersionField

__all__ = ["Distribution", "Environment", "InstalledBuild", "Toolkit"]


@record(frozen=True)
class Distribution:
    """An installed distribution, from its metadata; nothing is imported."""

    name: str
    """Normalised name (`nvidia-cudnn-cu12`)."""
    version: str
    """As written; some old ones are no valid version."""
    path: str
    """The dist-info, egg-info or conda-meta entry."""
    installer: Fact[str] = UNPROBED
    requires: tuple[str, ...] = ()
    conda_build: Fact[str] = UNPROBED
    """conda's build string (`cuda129_mkl_py312_...`)."""
    conda_channel: Fact[str] = UNPROBED
    missing_files: Fact[int] = UNPROBED
    """Shared libraries that its record names and the disk lacks, where that was counted."""


@record(frozen=True)
class InstalledBuild:
    """A framework build found in an environment, told from metadata, text files and ELF headers alone."""

    framework: str
    distribution: str
    version: VersionField
    build: Fact[str] = UNPROBED
    """`cu128`, `cpu`, ...; unknown where nothing tells."""
    cuda: Fact[VersionField] = UNPROBED
    """CUDA that it was built with; absent in a CPU build."""
    cudnn: Fact[VersionField] = UNPROBED
    architectures: Fact[tuple[str, ...]] = UNPROBED
    """`sm_86` and `compute_90` entries; unknown until a row or an ELF file gives them."""
    needed: tuple[str, ...] = ()
    """Sonames of CUDA libraries that its extension modules need."""


@record(frozen=True)
class Environment:
    """One Python environment."""

    prefix: str
    executable: Fact[str] = UNPROBED
    kind: Fact[str] = UNPROBED
    """`venv`, `conda`, `uv`, `pixi`, `system`, `stackcheck`."""
    chosen_by: str = ""
    """What named it: `--env`, `VIRTUAL_ENV`, `CONDA_PREFIX`, `PATH`, `stackcheck`."""
    python: Fact[VersionField] = UNPROBED
    implementation: Fact[str] = UNPROBED
    distributions: Fact[tuple[Distribution, ...]] = UNPROBED
    builds: Fact[tuple[InstalledBuild, ...]] = UNPROBED
    libraries: Fact[tuple[Library, ...]] = UNPROBED
    """CUDA libraries that its packages brought (site-packages/nvidia/*/lib, PREFIX/lib)."""
    shadowing: Fact[tuple[Library, ...]] = UNPROBED
    """Libraries of the same sonames in LD_LIBRARY_PATH or ld.so.conf directories, which the loader takes first."""
    variables: dict[str, str] = field(default_factory=dict)


@record(frozen=True)
class Toolkit:
    """A CUDA toolkit on disk."""

    path: str
    version: Fact[VersionField] = UNPROBED
    chosen_by: str = ""
    """`CUDA_HOME`, `CUDA_PATH`, `PATH` (nvcc) or `/usr/local`."""

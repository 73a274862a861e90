"""The driver: kernel module, device nodes, and the two user-mode libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from stackcheck.model.fact import UNPROBED, Fact
from stackcheck.model.record import record
from stackcheck.model.version import VersionField

__all__ = ["DeviceNode", "Driver", "KernelModule", "Library"]


@record(frozen=True)
class Library:
    """A shared library as the loader would take it: its real path and the version in its file name."""

    soname: str
    path: str
    version: Fact[VersionField] = UNPROBED
    forward_compatible_with: Fact[tuple[int, ...]] = UNPROBED
    """Driver majors that a `cuda-compat` libcuda may sit on, from its ELF note; absent in ordinary ones."""


@record(frozen=True)
class DeviceNode:
    """A node under /dev."""

    path: str
    major: Fact[int] = UNPROBED
    minor: Fact[int] = UNPROBED
    mode: Fact[int] = UNPROBED
    """Permission bits, for example 0o666."""
    owner: Fact[int] = UNPROBED
    group: Fact[int] = UNPROBED
    usable: Fact[bool] = UNPROBED
    """Whether this user may read and write it."""


@record(frozen=True)
class KernelModule:
    """The kernel side, from sysfs and procfs."""

    version: Fact[VersionField] = UNPROBED
    """Version of the loaded nvidia module; absent if it is not loaded."""
    flavour: Fact[str] = UNPROBED
    """`open` or `proprietary`."""
    uvm_loaded: Fact[bool] = UNPROBED
    nouveau_loaded: Fact[bool] = UNPROBED
    built_for: Fact[tuple[str, ...]] = UNPROBED
    """Kernel releases whose module tree holds an nvidia module file."""
    parameters: Fact[Mapping[str, str]] = UNPROBED
    """/proc/driver/nvidia/params."""
    device_majors: Fact[Mapping[str, int]] = UNPROBED
    """NVIDIA's names in /proc/devices."""
    hmm_disabled: Fact[bool] = UNPROBED
    nvswitches: Fact[int] = UNPROBED
    """NVSwitch bridges on the bus, or 1 for a bare /dev/nvidia-nvswitchctl."""


@record(frozen=True)
class Driver:
    """What drives the GPUs. `release` is the driver's version, `cuda` what its user-mode half supports."""

    release: Fact[VersionField] = UNPROBED
    cuda: Fact[VersionField] = UNPROBED
    """CUDA driver version by cuDriverGetVersion (or NVML): the highest CUDA this driver knows."""
    nvml_code: Fact[int] = UNPROBED
    """Return code of nvmlInit; 12 where libnvidia-ml.so.1 is not found."""
    cuinit_code: Fact[int] = UNPROBED
    """Return code of cuInit; absent where libcuda.so.1 is not found."""
    nvml_library: Fact[Library] = UNPROBED
    cuda_library: Fact[Library] = UNPROBED
    cuda_libraries: Fact[tuple[Library, ...]] = UNPROBED
    """Every libcuda in the system's loader directories, LD_LIBRARY_PATH left out."""
    module: KernelModule = field(default_factory=KernelModule)
    nodes: Fact[tuple[DeviceNode, ...]] = UNPROBED
    fabric_manager: Fact[str] = UNPROBED
    """State of the fabric manager's service where it can be told."""
    persistence_daemon: Fact[bool] = UNPROBED

"""GPUs as NVML, the PCI bus and the user name them."""

from __future__ import annotations

from dataclasses import field

from stackcheck.model.fact import UNPROBED, Fact
from stackcheck.model.record import record
from stackcheck.model.version import VersionField

__all__ = ["Ecc", "Gpu", "Link", "MigInstance", "PciFunction", "Peer"]


@record(frozen=True)
class MigInstance:
    """One MIG device: its UUID and profile name."""

    uuid: str
    name: str


@record(frozen=True)
class Peer:
    """Whether a GPU may read another's memory."""

    index: int
    status: int
    """NVML's `nvmlGpuP2PStatus_t`: 0 it may, otherwise why not (1 chipset, 2 GPU, 3 topology, 4 registry key)."""


@record(frozen=True)
class Ecc:
    """Memory health. Counters are since the driver was loaded."""

    enabled: Fact[bool] = UNPROBED
    uncorrected: Fact[int] = UNPROBED
    corrected: Fact[int] = UNPROBED
    remap_pending: Fact[bool] = UNPROBED
    remap_failed: Fact[bool] = UNPROBED
    retirement_pending: Fact[bool] = UNPROBED
    """Before Ampere: a page waits for its retirement, which a reset brings."""


@record(frozen=True)
class Link:
    """The PCIe link of a GPU; widths in lanes."""

    width: Fact[int] = UNPROBED
    max_width: Fact[int] = UNPROBED
    generation: Fact[int] = UNPROBED
    max_generation: Fact[int] = UNPROBED
    replays: Fact[int] = UNPROBED


@record(frozen=True)
class Gpu:
    """One GPU. `index` is NVML's (PCI order), or the position on the command line."""

    index: int
    name: Fact[str] = UNPROBED
    compute_capability: Fact[VersionField] = UNPROBED
    uuid: Fact[str] = UNPROBED
    serial: Fact[str] = UNPROBED
    pci_address: Fact[str] = UNPROBED
    minor: Fact[int] = UNPROBED
    brand: Fact[str] = UNPROBED
    memory_bytes: Fact[int] = UNPROBED
    memory_free_bytes: Fact[int] = UNPROBED
    handle_code: Fact[int] = UNPROBED
    """NVML's return code for the device handle: 0, or for example 15 for a lost GPU."""
    persistence: Fact[bool] = UNPROBED
    compute_mode: Fact[int] = UNPROBED
    event_reasons: Fact[int] = UNPROBED
    """Bit mask of NVML's clock event reasons."""
    recovery_action: Fact[int] = UNPROBED
    fabric_state: Fact[int] = UNPROBED
    """0 not supported, 1 not started, 2 in progress, 3 completed (NVML's `nvmlGpuFabricState_t`)."""
    fabric_status: Fact[int] = UNPROBED
    fabric_health: Fact[int] = UNPROBED
    """Bit fields of `nvmlGpuFabricInfo_v2_t.healthMask`."""
    fabric_summary: Fact[int] = UNPROBED
    """0 not supported, 1 healthy, 2 unhealthy, 3 limited capacity."""
    virtualization: Fact[int] = UNPROBED
    mig_enabled: Fact[bool] = UNPROBED
    mig_pending: Fact[bool] = UNPROBED
    mig_instances: Fact[tuple[MigInstance, ...]] = UNPROBED
    processes: Fact[tuple[int, ...]] = UNPROBED
    """Process ids of compute processes that this user may see."""
    nvlinks_active: Fact[int] = UNPROBED
    nvlinks: Fact[int] = UNPROBED
    peers: Fact[tuple[Peer, ...]] = UNPROBED
    gsp_firmware: Fact[str] = UNPROBED
    temperature_celsius: Fact[int] = UNPROBED
    power_limit_watts: Fact[float] = UNPROBED
    inforom_valid: Fact[bool] = UNPROBED
    ecc: Ecc = field(default_factory=Ecc)
    link: Link = field(default_factory=Link)


@record(frozen=True)
class PciFunction:
    """An NVIDIA display function on the PCI bus (vendor 0x10de, class 0x0300 or 0x0302), from sysfs."""

    address: str
    device: Fact[str] = UNPROBED
    """Device id such as `0x2330`."""
    driver: Fact[str] = UNPROBED
    """Name of the kernel driver bound to it; absent if none is."""
    responds: Fact[bool] = UNPROBED
    """False where the configuration space reads all ones: the function fell off the bus."""
    bars_assigned: Fact[bool] = UNPROBED
    """False where BAR 0 or BAR 1 has no address space."""
    link_width: Fact[int] = UNPROBED
    max_link_width: Fact[int] = UNPROBED
    excluded: Fact[bool] = UNPROBED
    """`GPU Excluded` of /proc/driver/nvidia/gpus."""
    minor: Fact[int] = UNPROBED
    """Device minor that the kernel module gave it."""

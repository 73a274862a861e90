"""The machine: everything that probing, a what-if or a facts file can say of one computer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from stackcheck.model.driver import Driver, Library
from stackcheck.model.environment import Environment, Toolkit
from stackcheck.model.fact import UNPROBED, UNSTATED, Fact, Unknown
from stackcheck.model.gpu import Gpu, PciFunction
from stackcheck.model.record import record
from stackcheck.model.version import VersionField

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["SCHEMA", "Container", "Host", "Machine", "unstated_gpu", "unstated_machine"]

SCHEMA = "stackcheck.machine/1"


@record(frozen=True)
class Container:
    """The container that the probe ran in."""

    engine: str
    """`docker`, `podman`, `kubernetes`, `apptainer`, `lxc` or `container`."""
    image: Fact[str] = UNPROBED
    driver_mounts: Fact[bool] = UNPROBED
    """Whether driver libraries are mounted from the host."""


@record(frozen=True)
class Host:
    """The operating system and its limits."""

    platform: Fact[str] = UNPROBED
    """`linux`, `wsl2`, `jetson`, `windows` or `macos`."""
    os: Fact[str] = UNPROBED
    """Name and version, `Ubuntu 22.04.4 LTS`."""
    kernel: Fact[str] = UNPROBED
    arch: Fact[str] = UNPROBED
    """`x86_64` or `aarch64`."""
    glibc: Fact[VersionField] = UNPROBED
    """Absent on musl, Windows and macOS."""
    hostname: Fact[str] = UNPROBED
    cpu_count: Fact[int] = UNPROBED
    memory_bytes: Fact[int] = UNPROBED
    container: Fact[Container] = UNPROBED
    variables: Fact[Mapping[str, str]] = UNPROBED
    """Environment variables that steer the stack (CUDA_*, NVIDIA_*, LD_LIBRARY_PATH, ...); never secrets."""
    files: Mapping[str, Fact[str]] = field(default_factory=dict)
    """Small texts that rules read (/etc/docker/daemon.json, ...), by absolute path."""
    limits: Mapping[str, Fact[int]] = field(default_factory=dict)
    """`shm_bytes`, `tmp_free_bytes`, `memlock_bytes`, ...; -1 for unlimited."""
    wsl_libraries: Fact[tuple[str, ...]] = UNPROBED


@record(frozen=True)
class Machine:
    """One computer, as far as it is known."""

    schema: str = SCHEMA
    stackcheck: str = ""
    time: str = ""
    origin: str = "probe"
    """`probe`, `command line` or the facts file's name."""
    host: Host = field(default_factory=Host)
    pci: Fact[tuple[PciFunction, ...]] = UNPROBED
    driver: Driver = field(default_factory=Driver)
    gpus: Fact[tuple[Gpu, ...]] = UNPROBED
    toolkits: Fact[tuple[Toolkit, ...]] = UNPROBED
    system_cudnn: Fact[Library] = UNPROBED
    """The cuDNN that the loader finds outside any environment."""
    environment: Fact[Environment] = UNPROBED
    notes: tuple[str, ...] = ()
    """What the probe wants to say of itself: a deadline reached, a call left out."""


_Section = TypeVar("_Section", bound="DataclassInstance")


def _unstate(section: _Section) -> _Section:
    """Return the section with every fact that was never probed marked as not stated."""
    changes: dict[str, Any] = {}
    for entry in fields(section):
        value = getattr(section, entry.name)
        if value is UNPROBED:
            name = (
                f"{type(section).__name__} {entry.name}".lower()
                .replace("_", " ")
                .removeprefix("machine ")
            )
            changes[entry.name] = Unknown(UNSTATED.reason, name, unstated=True)
        elif is_dataclass(value) and not isinstance(value, type):
            changes[entry.name] = _unstate(value)
    return replace(section, **changes)


def unstated_machine() -> Machine:
    """Return a machine of which the user said nothing: every fact rules nothing out."""
    return _unstate(Machine(origin="command line"))


def unstated_gpu(index: int) -> Gpu:
    """Return a GPU of which the user said nothing yet."""
    return _unstate(Gpu(index))

"""Which machines a rule is about. A rule that has nothing to say here is skipped, which is no pass."""

from __future__ import annotations

from dataclasses import replace

from stackcheck.model.environment import Distribution, Environment
from stackcheck.model.fact import Known, Undecided
from stackcheck.model.gpu import Gpu
from stackcheck.model.machine import Container, Machine

__all__ = [
    "NotApplicable",
    "container_of",
    "distributions_of",
    "drives_gpus_by_module",
    "environment_of",
    "gpus_of",
    "has_nvidia_gpu",
    "require_gpu",
    "require_module",
    "require_platform",
    "settle_gpus",
]

LIBRARY_NOT_FOUND = 12
"""NVML_ERROR_LIBRARY_NOT_FOUND."""


class NotApplicable(Exception):
    """The rule is about another kind of machine. The message says which."""


def has_nvidia_gpu(machine: Machine) -> bool:
    """Tell whether the machine has an NVIDIA GPU, whatever its driver says.

    Sources in this order: GPUs that NVML named; display functions on the PCI bus; the platform (WSL's paravirtual
    device, Jetson's own GPU). On Windows, whose bus is not read, a machine without NVIDIA's driver counts as one
    without an NVIDIA GPU. Raises `Undecided` where none of them could be asked.
    """
    if machine.gpus.peek() or machine.pci.peek():
        return True
    driver = machine.driver
    platform = machine.host.platform.peek()
    if platform in ("macos", "jetson"):
        return platform == "jetson"
    if platform == "wsl2":
        return any(node.path == "/dev/dxg" for node in driver.nodes.get() or ())
    if platform == "windows":
        missing = driver.nvml_code.peek() == LIBRARY_NOT_FOUND
        return not (missing and driver.cuinit_code.state == "absent") and bool(machine.gpus.get())
    return bool(machine.pci.get())


def settle_gpus(machine: Machine) -> Machine:
    """Return the machine with its GPUs known to be none where the bus shows none, whatever NVML left open."""
    try:
        if not isinstance(machine.gpus, Known) and not has_nvidia_gpu(machine):
            return replace(machine, gpus=Known((), "no NVIDIA function on the PCI bus"))
    except Undecided:
        pass
    return machine


def require_gpu(machine: Machine) -> None:
    """Raise `NotApplicable` on a machine without an NVIDIA GPU."""
    if not has_nvidia_gpu(machine):
        raise NotApplicable("no NVIDIA GPU here")


def drives_gpus_by_module(machine: Machine) -> None:
    """Raise `NotApplicable` where no nvidia kernel module of this system drives a GPU."""
    require_platform(machine, "linux", "jetson")
    require_gpu(machine)


def require_module(machine: Machine) -> None:
    """Raise `NotApplicable` where the nvidia module is not loaded, so that nothing of it can be wrong."""
    drives_gpus_by_module(machine)
    if machine.driver.module.version.get() is None:
        raise NotApplicable("the nvidia kernel module is not loaded")


def require_platform(machine: Machine, *platforms: str) -> None:
    """Raise `NotApplicable` on any other platform."""
    platform = machine.host.platform.get()
    if platform not in platforms:
        raise NotApplicable(f"about {' or '.join(platforms)}, and this is {platform}")


def container_of(machine: Machine) -> Container:
    """Return the container that this is. Raises `NotApplicable` outside of one."""
    container = machine.host.container.get()
    if container is None:
        raise NotApplicable("not in a container")
    return container


def environment_of(machine: Machine) -> Environment:
    """Return the Python environment looked at. Raises `NotApplicable` if there is none."""
    environment = machine.environment.get()
    if environment is None:
        raise NotApplicable("no Python environment to look at")
    return environment


def distributions_of(machine: Machine) -> dict[str, Distribution]:
    """Return what is installed in the environment, by normalised name. Raises `NotApplicable` without one."""
    found = environment_of(machine).distributions.get() or ()
    return {distribution.name: distribution for distribution in found}


def gpus_of(machine: Machine) -> tuple[Gpu, ...]:
    """Return the GPUs that NVML named. Raises `NotApplicable` where it named none."""
    require_gpu(machine)
    gpus = machine.gpus.get()
    if not gpus:
        raise NotApplicable("NVML names no GPU")
    return gpus

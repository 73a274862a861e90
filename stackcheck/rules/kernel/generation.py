"""The generation of a board by its PCI device id, where no driver can be asked."""

from __future__ import annotations

from collections.abc import Iterator

from stackcheck.model.gpu import PciFunction
from stackcheck.model.machine import Machine
from stackcheck.model.version import Version

__all__ = ["is_before_turing", "is_blackwell_or_later", "last_capability", "unnamed_boards"]

KEPLER, VOLTA = Version("3.7"), Version("7.0")
FIRST_MAXWELL = 0x1340
FIRST_TURING = 0x1E02
FIRST_BLACKWELL = 0x2900
"""After the list of compatible GPUs of NVIDIA/open-gpu-kernel-modules, whose first entry is 1E02 and whose Blackwell
entries start at 2901; device ids grow with the generation. The first Maxwell is the PCI ID Repository's GM108."""


def unnamed_boards(machine: Machine) -> Iterator[PciFunction]:
    """Yield the boards on the bus whose device id is known and that NVML names no GPU at."""
    named = {gpu.pci_address.peek() for gpu in machine.gpus.peek() or ()}
    for function in machine.pci.peek() or ():
        if function.address not in named and function.device.peek() is not None:
            yield function


def is_before_turing(function: PciFunction) -> bool:
    """Tell whether the board has no GSP, so that the open module cannot drive it. Raises `Undecided`."""
    return 0 < _number(function) < FIRST_TURING


def is_blackwell_or_later(function: PciFunction) -> bool:
    """Tell whether only the open module drives the board. Raises `Undecided`."""
    return _number(function) >= FIRST_BLACKWELL


def last_capability(function: PciFunction) -> Version | None:
    """Return the newest compute capability that the board can have, of those that drivers have dropped so far.

    None for Turing and later. Raises `Undecided`.
    """
    number = _number(function)
    if not 0 < number < FIRST_TURING:
        return None
    return KEPLER if number < FIRST_MAXWELL else VOLTA


def _number(function: PciFunction) -> int:
    text = function.device.get()
    try:
        return int(text, 16) if text else 0
    except ValueError:
        return 0

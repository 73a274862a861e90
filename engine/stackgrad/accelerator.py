"""`torch.accelerator`: the GPU where there is one, whatever its kind; here that is CUDA."""

from __future__ import annotations

from typing import Any

from stackgrad import cuda
from stackgrad.device import Device

is_available = cuda.is_available
device_count = cuda.device_count
synchronize = cuda.synchronize


def current_accelerator(check_available: bool = False) -> Device | None:
    """Return the device of the accelerator; None where there is none."""
    del check_available  # there is nothing that is built in but not there
    return Device("cuda") if is_available() else None


def current_device_index() -> int:
    """Return the number of the current device."""
    return cuda.current_device()


def set_device_index(device: Any) -> None:
    """Make a device the current one."""
    cuda.set_device(device)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.accelerator has no {name!r}: it is not implemented")

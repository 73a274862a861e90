"""Devices and the array module of each; the only importer of CuPy.

No operation asks an array what it is: every one is handed the array module of its device.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule


class Device:
    """A place for tensors: `Device("cpu")`, `Device("cuda:1")`. There is one object per place.

    Raises RuntimeError where the name is unknown or no such GPU can be used, with the reason.
    """

    __slots__ = ("array_type", "index", "type", "xp")

    type: str
    index: int | None
    xp: ArrayModule
    array_type: Any

    def __new__(cls, where: Any = None, index: int | None = None) -> Device:  # noqa: D102, PYI034
        if where is None:
            return current()
        if isinstance(where, Device):
            return where
        name = f"cuda:{where}" if isinstance(where, int) else str(where)
        if index is not None:
            name = f"{name}:{index}"
        return _devices.get(name) or _find_gpu(name)

    def __repr__(self) -> str:
        place = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{place})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return Device, (str(self),)

    def __enter__(self) -> Device:  # noqa: PYI034
        _current.stack.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.stack.pop()

    def asarray(self, array: Array) -> Array:
        """Return `array` on this device; no copy if it is there already."""
        if self.type == "cuda":
            with self.xp.cuda.Device(self.index):
                return self.xp.asarray(array)
        return array if isinstance(array, (np.ndarray, np.generic)) else array.get()


def _make(kind: str, index: int | None, xp: ArrayModule) -> Device:
    found = object.__new__(Device)
    found.type, found.index, found.xp, found.array_type = kind, index, xp, xp.ndarray
    return found


def _find_gpu(name: str) -> Device:
    kind, _, number = name.partition(":")
    if kind != "cuda" or not (number.isdigit() or not number):
        raise RuntimeError(f"unknown device {name!r}: stackgrad has 'cpu' and 'cuda:N'")
    from stackgrad.kernels.cuda.arrays import CudaArrays

    cupy = cuda_module()
    place = int(number) if number else cupy.cuda.runtime.getDevice()
    count = cupy.cuda.runtime.getDeviceCount()
    if place >= count:
        raise RuntimeError(f"no device {name!r}: {count} GPUs are visible")
    return _devices.setdefault(f"cuda:{place}", _make("cuda", place, CudaArrays(cupy)))


cpu = _make("cpu", None, np)
_devices: dict[str, Device] = {"cpu": cpu, "cpu:0": cpu}


class _Current(threading.local):
    def __init__(self) -> None:
        self.stack: list[Device] = [cpu]


_current = _Current()


def current() -> Device:
    """Return the device on which new tensors are made: `with device("cuda"):` sets it."""
    return _current.stack[-1]


def set_default(where: str | Device) -> None:
    """Make new tensors on `where` from now on, in this thread."""
    _current.stack[0] = device(where)


device = Device


def cuda_module() -> ArrayModule:
    """Return CuPy; RuntimeError with the reason where it or the GPU cannot be used."""
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(
            f"no GPU can be used: CuPy is not installed ({error}); `pip install stackcheck[cuda13]`"
        ) from error
    if not cupy.is_available():
        raise RuntimeError(
            "no GPU can be used: CuPy finds no NVIDIA driver or no device (`stackcheck doctor` tells why)"
        )
    return cupy


def cuda_is_available() -> bool:
    """Whether CuPy is installed and finds a GPU; never raises."""
    try:
        cuda_module()
    except RuntimeError:
        return False
    return True

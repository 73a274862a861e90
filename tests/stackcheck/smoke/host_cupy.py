"""CuPy's names over NumPy, as far as the smoke's GPU stages use them: their lines run where there is no GPU."""

# ruff: noqa: ARG002, ARG005 (the signatures are CuPy's)

from __future__ import annotations

import ctypes
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import stackgrad

from stackcheck.smoke.bench import Bench

GPUS = 2


class Pointer:
    def __init__(self, array):
        self.array, self.ptr = array, array.ctypes.data

    def copy_from_device(self, source, size):
        ctypes.memmove(self.ptr, source.ptr, size)


class HostArray(np.ndarray):
    """An array with CuPy's ways to and from the host."""

    @property
    def data(self):
        return Pointer(self)

    def get(self, out=None):
        if out is None:
            return np.array(self)
        out[:] = self
        return out

    def set(self, values):
        self[:] = values


class Device:
    def __init__(self, number, capability="90", **attributes):
        self.id, self.compute_capability = number, capability
        usual = {"MultiProcessorCount": 1, "ClockRate": 1, "MemoryClockRate": 1}
        self.attributes = {**usual, "GlobalMemoryBusWidth": 64, **attributes}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Communicator:
    """NCCL in one process: what a group gathers is added up when it ends."""

    waiting: list = []  # noqa: RUF012

    @staticmethod
    def initAll(devices):  # noqa: N802
        return [Communicator() for _ in devices]

    def allReduce(self, send, receive, count, kind, operation, stream):  # noqa: N802
        assert (kind, operation) == (7, 0)  # ncclFloat32, ncclSum
        Communicator.waiting.append((send, receive, count))

    @staticmethod
    def groupEnd():  # noqa: N802
        floats = [
            [(ctypes.c_float * count).from_address(place) for place in (send, receive)]
            for send, receive, count in Communicator.waiting
        ]
        Communicator.waiting.clear()
        total = np.sum([np.array(send) for send, _ in floats], axis=0)
        for _, receive in floats:
            np.frombuffer(receive, np.float32)[:] = total


def make_cupy(monkeypatch, **attributes):
    """Make the module, importable as CuPy is."""

    def wrap(make):
        return lambda *given, **settings: make(*given, **settings).view(HostArray)

    cupy, cuda = ModuleType("cupy"), ModuleType("cupy.cuda")
    for name in ("ones", "empty", "zeros", "empty_like", "asarray", "matmul"):
        setattr(cupy, name, wrap(getattr(np, name)))
    cupy.float32, cupy.uint8, cupy.uint16, cupy.copyto = np.float32, np.uint8, np.uint16, np.copyto
    cupy.cuda = cuda
    cuda.Device = lambda number: Device(number, **attributes)
    cuda.get_current_stream = lambda: SimpleNamespace(ptr=0, synchronize=lambda: None)
    cuda.alloc_pinned_memory = bytearray
    cuda.runtime = SimpleNamespace(
        getDeviceProperties=lambda number: {"name": b"NVIDIA H100"},
        deviceCanAccessPeer=lambda taker, giver: taker > giver,
    )
    cuda.nccl = SimpleNamespace(
        NcclCommunicator=Communicator, NCCL_FLOAT32=7, NCCL_SUM=0,
        groupStart=Communicator.waiting.clear, groupEnd=Communicator.groupEnd,
    )  # fmt: skip
    routines = SimpleNamespace(COMPUTE_TYPE_TF32=7, compute_type=0)
    routines.get_compute_type = lambda dtype: routines.compute_type
    routines.set_compute_type = lambda dtype, kind: setattr(routines, "compute_type", kind)
    modules = {"cupy": cupy, "cupy.cuda": cuda, "cupy._core._routines_linalg": routines}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return cupy


class Engine:
    """The engine on the host, under the names of GPUs."""

    def __init__(self, cupy):
        self._cupy = cupy
        self.cuda = SimpleNamespace(
            device_count=lambda: GPUS, synchronize=lambda: None, empty_cache=lambda: None
        )

    def __getattr__(self, name):
        return getattr(stackgrad, name)

    def tensor(self, values, device):
        return stackgrad.tensor(values)

    def device(self, name):
        return SimpleNamespace(xp=SimpleNamespace(cupy=self._cupy), asarray=self._cupy.asarray)


class HostBench(Bench):
    """A bench on `cuda:0`, whose sizes are those of a test."""

    def of_level(self, quick, short):
        return min(quick, 256)


def make_bench(monkeypatch, **attributes):
    """Make a bench whose GPU has these attributes and is as fast as the host."""
    engine = Engine(make_cupy(monkeypatch, **attributes))
    return HostBench(engine, "cuda:0", "short", 0, ("mlp",), 0.0, lambda _: None)

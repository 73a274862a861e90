"""Small numbers for kernels in device memory: learning rates, random counters, tables of addresses.

While a graph is captured they go through pinned memory, which the graph copies from in every replay: what is
written there before a replay is what its kernels see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule

Refresh = Callable[[], Sequence[float]]


class Recording:
    """The numbers of one captured graph. The capture's own are those of the first replay."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, Refresh | None]] = []
        self._first = True

    def upload(self, xp: ArrayModule, values: Any, kind: Any, refresh: Refresh | None) -> Array:
        """Return a device array that every replay fills from pinned memory."""
        host = _pinned(xp, np.asarray(values, kind))
        device = xp.empty(host.shape, host.dtype)
        self.entries.append((host, refresh))
        if isinstance(device, np.ndarray):  # emulated
            return host
        stream = xp.cuda.get_current_stream()
        device.data.copy_from_host_async(host.ctypes.data, host.nbytes, stream)
        return device

    def refresh(self) -> None:
        """Write the numbers of the next replay; nobody may be reading them."""
        if not self._first:
            for host, refresh in self.entries:
                if refresh is not None:
                    host[...] = refresh()
        self._first = False


def _pinned(xp: ArrayModule, values: Any) -> Any:
    """Return a copy in memory that the GPU can read on its own."""
    if not hasattr(xp.cuda, "alloc_pinned_memory"):  # emulated
        return values.copy()
    memory = xp.cuda.alloc_pinned_memory(max(values.nbytes, 1))
    found = np.frombuffer(memory, values.dtype, values.size).reshape(values.shape)
    found[...] = values
    return found


class _State(threading.local):
    recording: Recording | None = None


state = _State()


def upload(xp: ArrayModule, values: Any, kind: Any, refresh: Refresh | None = None) -> Array:
    """Return `values` on the device; `refresh` gives those of later replays of a captured graph."""
    if state.recording is not None:
        return state.recording.upload(xp, values, kind, refresh)
    return xp.asarray(values, dtype=kind)

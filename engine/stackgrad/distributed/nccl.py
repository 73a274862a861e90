"""Collective operations by NCCL, for tensors on GPUs: one device per process. Not verified on hardware.

Operations are launched on the current stream; `Work.wait()` lets the host wait for their event, so that the
deadline holds. After it the communicator is aborted, which ends the kernels that wait for the missing rank.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from stackgrad import dtypes
from stackgrad.arrays import Array
from stackgrad.device import Device, cuda_module
from stackgrad.distributed.mpi import Pending
from stackgrad.distributed.reduction import ReduceOp
from stackgrad.distributed.store import TCPStore
from stackgrad.libraries import nccl

_ID = "nccl/id"


class NCCLBackend:
    """One communicator. Arrays lie on its device; those with gaps are copied first."""

    name = "nccl"

    def __init__(self, communicator: ctypes.c_void_p, rank: int, size: int, device: Device) -> None:
        self.comm, self.rank, self.size, self.device = communicator, rank, size, device
        self.library, self.xp = nccl.library(), device.xp

    @classmethod
    def join(
        cls, store: TCPStore, rank: int, size: int, device_id: Any, local_rank: int
    ) -> NCCLBackend:
        """Return the communicator of all ranks, which meet by an id that rank 0 writes to the store.

        The device is `device_id`, else the current one where a program has chosen it, else that of the local rank.
        """
        cupy = cuda_module()
        if device_id is not None:
            cupy.cuda.Device(Device(device_id).index).use()
        elif cupy.cuda.runtime.getDevice() == 0 and local_rank:
            cupy.cuda.Device(local_rank).use()
        if rank == 0:
            store.set(_ID, bytes(nccl.unique_id()))
        identity = nccl.UniqueId.from_buffer_copy(store.get(_ID))
        made = ctypes.c_void_p()
        nccl.library().ncclCommInitRank(ctypes.byref(made), size, identity, rank)
        return cls(made, rank, size, Device("cuda"))

    def split(self, ranks: Sequence[int]) -> NCCLBackend | None:
        """Return the communicator of some ranks, in their order; None in the processes outside."""
        inside = self.rank in ranks
        made = ctypes.c_void_p()
        color = 0 if inside else -1  # NCCL_SPLIT_NOCOLOR
        place = list(ranks).index(self.rank) if inside else 0
        self.library.ncclCommSplit(self.comm, color, place, ctypes.byref(made), None)
        return NCCLBackend(made, place, len(ranks), self.device) if inside else None

    def all_reduce(self, array: Array, op: ReduceOp) -> Pending:
        """Combine `array` of all ranks, in place."""
        work = self.xp.ascontiguousarray(array)
        self._call("ncclAllReduce", work, work, work.size, self._operation(op))
        return self._pending(lambda: _write(array, work))

    def reduce(self, array: Array, root: int, op: ReduceOp) -> Pending:
        """Combine `array` of all ranks into that of `root`."""
        work = self.xp.ascontiguousarray(array)
        out = self.xp.empty_like(work)
        self._call("ncclReduce", work, out, work.size, self._operation(op), root)
        return self._pending(lambda: _write(array, out) if self.rank == root else None)

    def reduce_scatter(self, out: Array, array: Array, op: ReduceOp) -> Pending:
        """Combine `array` (size, ...) of all ranks, of which each gets its part."""
        work, result = self.xp.ascontiguousarray(array), self.xp.empty(out.shape, out.dtype)
        self._call("ncclReduceScatter", work, result, result.size, self._operation(op))
        return self._pending(lambda: _write(out, result))

    def broadcast(self, array: Array, root: int) -> Pending:
        """Copy `array` of `root` to all."""
        work = self.xp.ascontiguousarray(array)
        self._call("ncclBroadcast", work, work, work.size, root)
        return self._pending(lambda: _write(array, work))

    def all_gather(self, out: Array, array: Array) -> Pending:
        """Collect `array` of all ranks in `out` (size, ...)."""
        work, result = self.xp.ascontiguousarray(array), self.xp.empty(out.shape, out.dtype)
        self._call("ncclAllGather", work, result, work.size)
        return self._pending(lambda: _write(out, result))

    def gather(self, out: Array | None, array: Array, root: int) -> Pending:
        """Collect `array` of all ranks in `out` (size, ...) of `root`."""
        work = self.xp.ascontiguousarray(array)
        result = None if out is None else self.xp.empty(out.shape, out.dtype)
        sources = [] if result is None else [(result[i], i) for i in range(self.size)]
        self._exchange([(work, root)], sources)
        return self._pending(lambda: None if out is None else _write(out, result))

    def scatter(self, out: Array, array: Array | None, root: int) -> Pending:
        """Give every rank its part of `array` (size, ...) of `root`."""
        result = self.xp.empty(out.shape, out.dtype)
        parts = None if array is None else self.xp.ascontiguousarray(array)
        self._exchange(
            [] if parts is None else [(parts[i], i) for i in range(self.size)], [(result, root)]
        )
        return self._pending(lambda: _write(out, result))

    def all_to_all(self, out: Array, array: Array) -> Pending:
        """Give rank j part j of `array` (size, ...), and take part i of it from rank i."""
        work, result = self.xp.ascontiguousarray(array), self.xp.empty(out.shape, out.dtype)
        ranks = range(self.size)
        self._exchange([(work[i], i) for i in ranks], [(result[i], i) for i in ranks])
        return self._pending(lambda: _write(out, result))

    def send(self, array: Array, to: int, tag: int) -> Pending:  # noqa: ARG002  (NCCL has no tags)
        """Send `array` to one rank."""
        self._exchange([(self.xp.ascontiguousarray(array), to)], [])
        return self._pending(lambda: None)

    def receive(self, array: Array, source: int, tag: int) -> Pending:  # noqa: ARG002
        """Receive into `array` from one rank."""
        result = self.xp.empty(array.shape, array.dtype)
        self._exchange([], [(result, source)])
        return self._pending(lambda: _write(array, result))

    def barrier(self) -> Pending:
        """Wait until all ranks are here."""
        return self.all_reduce(self.xp.zeros(1, "float32"), ReduceOp.SUM)

    def abort(self) -> None:
        """End the communicator although operations are under way."""
        self.library.ncclCommAbort(self.comm)

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        """Give the communicator back."""
        self.library.ncclCommDestroy(self.comm)

    def _operation(self, op: ReduceOp) -> int:
        if op.value not in nccl.OPERATIONS:
            raise NotImplementedError(f"NCCL has no {op.name}; it has {', '.join(nccl.OPERATIONS)}")
        return nccl.OPERATIONS[op.value]

    def _call(self, name: str, array: Array, out: Array, count: int, *rest: int) -> None:
        kind = nccl.TYPES[dtypes.of(array)]
        getattr(self.library, name)(
            array.data.ptr, out.data.ptr, count, kind, *rest, self.comm, self._stream()
        )

    def _exchange(self, outgoing: Sequence[Any], incoming: Sequence[Any]) -> None:
        self.library.ncclGroupStart()
        for name, parts in (("ncclSend", outgoing), ("ncclRecv", incoming)):
            for array, rank in parts:
                kind = nccl.TYPES[dtypes.of(array)]
                getattr(self.library, name)(
                    array.data.ptr, array.size, kind, rank, self.comm, self._stream()
                )
        self.library.ncclGroupEnd()

    def _stream(self) -> int:
        return int(self.xp.cuda.get_current_stream().ptr)

    def _pending(self, finish: Callable[[], Any]) -> Pending:
        event = self.xp.cuda.Event(disable_timing=True)
        event.record()
        finish()  # on the same stream, after the operation
        return Pending(lambda: bool(event.done), lambda: None)


def _write(array: Array, value: Array) -> None:
    if value is not array:
        array[...] = value.reshape(array.shape)

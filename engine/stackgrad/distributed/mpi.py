"""Collective operations by MPI (mpi4py), for tensors on the CPU; those of a GPU go through its host.

Everything is non-blocking, so that a deadline can end it. MPI has no half precision: sums of float16 and
bfloat16 are formed in float32; what is only moved travels as bytes.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from stackgrad.arrays import Array
from stackgrad.distributed.reduction import ReduceOp


class Pending(NamedTuple):
    """An operation under way: whether it has ended, and what is to be done then."""

    done: Callable[[], bool]
    finish: Callable[[], None]


def load_mpi() -> Any:
    """Return `mpi4py.MPI`; RuntimeError where it, or an MPI library, is missing."""
    try:
        import mpi4py

        mpi4py.rc.finalize = False  # a job that lost a rank must not wait for it at its end
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise RuntimeError(
            f"backend 'mpi' needs mpi4py and an MPI library ({error}); `pip install mpi4py mpich`"
        ) from error
    return MPI


def outlive_others() -> None:
    """Let this process live when another of the job dies, so that it can tell which.

    MPICH's `mpiexec -disable-auto-cleanup` then sends SIGUSR1, which ends who does not expect it. Without that
    option mpiexec kills all processes at once.
    """
    if threading.current_thread() is not threading.main_thread() or "PMI_RANK" not in os.environ:
        return
    if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


class MPIBackend:
    """One communicator."""

    name = "mpi"

    def __init__(self, mpi: Any, communicator: Any) -> None:
        self.mpi, self.comm = mpi, communicator
        self.size = int(communicator.Get_size())
        self.operations = {
            ReduceOp.SUM: mpi.SUM,
            ReduceOp.AVG: mpi.SUM,
            ReduceOp.PRODUCT: mpi.PROD,
            ReduceOp.MIN: mpi.MIN,
            ReduceOp.MAX: mpi.MAX,
            ReduceOp.BAND: mpi.BAND,
            ReduceOp.BOR: mpi.BOR,
            ReduceOp.BXOR: mpi.BXOR,
        }

    def split(self, ranks: Sequence[int]) -> MPIBackend | None:
        """Return the communicator of some ranks, in their order; None in the processes outside."""
        group = self.comm.Get_group().Incl(list(ranks))
        communicator = self.comm.Create(group)
        return None if communicator == self.mpi.COMM_NULL else MPIBackend(self.mpi, communicator)

    def all_reduce(self, array: Array, op: ReduceOp) -> Pending:
        """Combine `array` of all ranks, in place."""
        work = _wide(_host(array))
        request = self.comm.Iallreduce(self.mpi.IN_PLACE, work, self.operations[op])
        return self._pending(request, lambda: self._give_back(work, array, op), keep=work)

    def reduce(self, array: Array, root: int, op: ReduceOp) -> Pending:
        """Combine `array` of all ranks into that of `root`."""
        work = _wide(_host(array))
        result = np.empty_like(work) if self.comm.Get_rank() == root else None
        request = self.comm.Ireduce(work, result, self.operations[op], root)
        return self._pending(
            request,
            lambda: None if result is None else self._give_back(result, array, op),
            keep=work,
        )

    def reduce_scatter(self, out: Array, array: Array, op: ReduceOp) -> Pending:
        """Combine `array` (size, ...) of all ranks, of which each gets its part."""
        work = _wide(_host(array))
        result = np.empty(out.shape, work.dtype)
        request = self.comm.Ireduce_scatter_block(work, result, self.operations[op])
        return self._pending(request, lambda: self._give_back(result, out, op), keep=work)

    def broadcast(self, array: Array, root: int) -> Pending:
        """Copy `array` of `root` to all."""
        work = _host(array)
        request = self.comm.Ibcast(self._bytes(work), root)
        return self._pending(request, lambda: _write(array, work))

    def all_gather(self, out: Array, array: Array) -> Pending:
        """Collect `array` of all ranks in `out` (size, ...)."""
        work, result = _host(array), np.empty(out.shape, out.dtype)
        request = self.comm.Iallgather(self._bytes(work), self._bytes(result))
        return self._pending(request, lambda: _write(out, result), keep=work)

    def gather(self, out: Array | None, array: Array, root: int) -> Pending:
        """Collect `array` of all ranks in `out` (size, ...) of `root`."""
        work = _host(array)
        result = None if out is None else np.empty(out.shape, out.dtype)
        request = self.comm.Igather(
            self._bytes(work), None if result is None else self._bytes(result), root
        )
        return self._pending(
            request, lambda: None if out is None else _write(out, result), keep=work
        )

    def scatter(self, out: Array, array: Array | None, root: int) -> Pending:
        """Give every rank its part of `array` (size, ...) of `root`."""
        result = np.empty(out.shape, out.dtype)
        work = None if array is None else _host(array)
        request = self.comm.Iscatter(
            None if work is None else self._bytes(work), self._bytes(result), root
        )
        return self._pending(request, lambda: _write(out, result), keep=work)

    def all_to_all(self, out: Array, array: Array) -> Pending:
        """Give rank j part j of `array` (size, ...), and take part i of it from rank i."""
        work, result = _host(array), np.empty(out.shape, out.dtype)
        request = self.comm.Ialltoall(self._bytes(work), self._bytes(result))
        return self._pending(request, lambda: _write(out, result), keep=work)

    def send(self, array: Array, to: int, tag: int) -> Pending:
        """Send `array` to one rank."""
        work = _host(array)
        return self._pending(self.comm.Isend(self._bytes(work), to, tag), lambda: None, keep=work)

    def receive(self, array: Array, source: int, tag: int) -> Pending:
        """Receive into `array` from one rank."""
        result = np.empty(array.shape, array.dtype)
        request = self.comm.Irecv(self._bytes(result), source, tag)
        return self._pending(request, lambda: _write(array, result))

    def barrier(self) -> Pending:
        """Wait until all ranks are here."""
        return self._pending(self.comm.Ibarrier(), lambda: None)

    def abort(self) -> None:
        """Nothing: a request that never ends holds no device."""

    def close(self, *, whole: bool) -> None:
        """Give the communicator back; with `whole` end MPI when this process ends."""
        if self.comm != self.mpi.COMM_WORLD:
            self.comm.Free()
        elif whole:
            atexit.register(_finalize, self.mpi)

    def _bytes(self, array: Array) -> list[Any]:
        return [array.reshape(-1).view(np.uint8) if array.size else array, self.mpi.BYTE]

    def _pending(self, request: Any, finish: Callable[[], None], keep: Any = None) -> Pending:
        held = [keep]  # MPI reads it until the request has ended

        def end() -> None:
            held.clear()
            finish()

        return Pending(request.Test, end)

    def _give_back(self, work: Array, array: Array, op: ReduceOp) -> None:
        if op is ReduceOp.AVG:
            work /= work.dtype.type(self.size)
        _write(array, work)


def _finalize(mpi: Any) -> None:
    if not mpi.Is_finalized():
        mpi.Finalize()


def _host(array: Array) -> Array:
    """Return the elements on the host without gaps: `array` itself where it is so already."""
    return np.ascontiguousarray(array if isinstance(array, np.ndarray) else array.get())


def _wide(array: Array) -> Array:
    """Return the elements in a type that MPI can add."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    half = array.dtype.kind in "fV" and array.itemsize == 2
    return array.astype(np.float32) if half else array


def _write(array: Array, value: Array) -> None:
    if value is array:
        return
    if isinstance(array, np.ndarray):
        array[...] = value.reshape(array.shape).astype(array.dtype, copy=False)
    else:
        array.set(np.ascontiguousarray(value.reshape(array.shape).astype(array.dtype, copy=False)))

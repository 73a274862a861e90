"""Process groups: joining, leaving, ranks and sizes."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from stackgrad.device import cuda_is_available
from stackgrad.distributed.environment import Launch, read_launch
from stackgrad.distributed.mpi import MPIBackend, load_mpi, outlive_others
from stackgrad.distributed.store import StoreError, TCPStore
from stackgrad.distributed.watch import Watch

DEFAULT_TIMEOUT = timedelta(minutes=10)


class ProcessGroup:
    """Some processes and the way they talk; `ranks` are their ranks among all."""

    def __init__(self, backend: Any, ranks: Sequence[int], rank: int, number: int) -> None:
        self.backend, self.ranks, self.own = backend, list(ranks), rank
        self.number, self.operations = number, itertools.count()

    def rank(self) -> int:
        """Return this process's place in the group, -1 outside it."""
        return self.ranks.index(self.own) if self.own in self.ranks else -1

    def size(self) -> int:
        """Return how many processes there are."""
        return len(self.ranks)

    def place_of(self, rank: int) -> int:
        """Return the place in the group of one of all ranks; ValueError outside it."""
        if rank not in self.ranks:
            raise ValueError(f"rank {rank} is not in the group {self.ranks}")
        return self.ranks.index(rank)


class _World:
    """What `init_process_group` made."""

    def __init__(self) -> None:
        self.group: ProcessGroup | None = None
        self.groups: list[ProcessGroup] = []
        self.store: TCPStore | None = None
        self.watch: Watch | None = None


world = _World()


def is_available() -> bool:
    """Return True: the package has distributed training; `is_mpi_available()` tells of the libraries."""
    return True


def is_mpi_available() -> bool:
    """Whether mpi4py and an MPI library can be loaded."""
    try:
        load_mpi()
    except RuntimeError:
        return False
    return True


def is_nccl_available() -> bool:
    """Whether NCCL is found and there is a GPU."""
    from stackgrad.libraries import nccl

    return nccl.find().usable and cuda_is_available()


def is_gloo_available() -> bool:
    """Return False: on the CPU the backend is MPI."""
    return False


def is_initialized() -> bool:
    """Whether this process has joined a group."""
    return world.group is not None


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: TCPStore | None = None,
    group_name: str = "",  # noqa: ARG001
    pg_options: Any = None,  # noqa: ARG001
    device_id: Any = None,
) -> None:
    """Join all processes of this job: by NCCL where there is a GPU, by MPI on the CPU.

    Ranks come from the arguments, or from the environment (`read_launch`); under MPI from MPI itself.
    `timeout` ends an operation that some rank does not join. RuntimeError where the job is not what the
    arguments say, or the backend cannot be had; ValueError for another backend.
    """
    if world.group is not None:
        raise RuntimeError("trying to initialize the default process group twice!")
    name = backend or ("nccl" if cuda_is_available() else "mpi")
    if ":" in name:  # PyTorch's "cpu:gloo,cuda:nccl"
        name = "nccl" if "cuda:nccl" in name and cuda_is_available() else "mpi"
    if name not in ("mpi", "nccl"):
        raise ValueError(f"stackgrad.distributed has the backends 'mpi' and 'nccl', not {name!r}")
    launch = _asked(read_launch(), init_method, rank, world_size)
    seconds = (timeout or DEFAULT_TIMEOUT).total_seconds()
    if name == "mpi":
        mpi = load_mpi()
        outlive_others()
        own, size = int(mpi.COMM_WORLD.Get_rank()), int(mpi.COMM_WORLD.Get_size())
        _check_launch(launch, own, size)
        made: Any = MPIBackend(mpi, mpi.COMM_WORLD)
        table = store if store is not None else _store_by_mpi(mpi, launch, own, size, seconds)
    else:
        from stackgrad.distributed.nccl import NCCLBackend

        own, size = _both_known(launch)
        if store is None and (launch.address is None or launch.port is None):
            raise RuntimeError(
                "backend 'nccl' meets at rank 0: set MASTER_ADDR and MASTER_PORT, or pass init_method='tcp://host:port'"
            )
        table = store or TCPStore(
            launch.address or "", launch.port or 0, size, own == 0, seconds, listen=""
        )
        made = NCCLBackend.join(table, own, size, device_id, launch.local_rank)
    world.store = table
    world.watch = Watch(table, own, seconds)
    world.group = ProcessGroup(made, range(size), own, 0)
    world.groups = [world.group]


def _asked(found: Launch, init_method: str | None, rank: int, size: int) -> Launch:
    """Return what the launcher said with what the arguments say in its place."""
    if rank >= 0:
        found = found._replace(rank=rank, source="rank")
    if size > 0:
        found = found._replace(size=size)
    if init_method not in (None, "env://"):
        place = urlsplit(init_method)
        if place.scheme != "tcp" or not place.hostname or place.port is None:
            raise ValueError(f"init_method is env:// or tcp://host:port, not {init_method!r}")
        found = found._replace(address=place.hostname, port=place.port)
    return found


def _both_known(launch: Launch) -> tuple[int, int]:
    if launch.rank is None or launch.size is None:
        raise RuntimeError(
            "rank and world size are not known: set RANK and WORLD_SIZE, or pass them"
        )
    if launch.rank >= launch.size:
        raise RuntimeError(f"rank {launch.rank} is none of {launch.size} processes")
    return launch.rank, launch.size


def _check_launch(launch: Launch, rank: int, size: int) -> None:
    asked = (rank if launch.rank is None else launch.rank, launch.size or size)
    if asked != (rank, size):
        raise RuntimeError(
            f"this should be rank {asked[0]} of {asked[1]} ({launch.source}), but for MPI it is rank {rank} of "
            f"{size}: start the processes by the mpiexec (or srun) of the MPI library that mpi4py uses"
        )


def _store_by_mpi(
    mpi: Any, launch: Launch, rank: int, size: int, timeout: float
) -> TCPStore | None:
    """Return a store whose address rank 0 tells by MPI; None where it cannot be reached from all."""
    comm = mpi.COMM_WORLD
    if size == 1:
        return None
    together = comm.Split_type(mpi.COMM_TYPE_SHARED)
    host = "127.0.0.1" if together.Get_size() == size else launch.address or _own_address()
    together.Free()
    table, wait = None, min(timeout, 30.0)
    if rank == 0:
        table = _try_store(host, 0, master=True, timeout=wait)
    address = comm.bcast(None if table is None else (host, table.port))
    if rank and address is not None:
        table = _try_store(*address, master=False, timeout=wait)
    everybody = comm.allreduce(table is not None, op=mpi.LAND)
    return table if everybody else None


def _try_store(host: str, port: int, *, master: bool, timeout: float) -> TCPStore | None:
    listen = host if host.startswith("127.") else ""
    try:
        return TCPStore(host, port, is_master=master, timeout=timeout, listen=listen)
    except StoreError:
        return None


def _own_address() -> str:
    """Return the address by which this host goes out; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave a group; without one, all of them. All its processes must do so."""
    if group is not None and group is not world.group:
        world.groups.remove(group)
        if group.backend is not None:
            group.backend.close(whole=False)
        return
    for made in reversed(world.groups):
        if made.backend is not None:
            made.backend.close(whole=made is world.group)
    if world.store is not None:
        world.store.close()
    world.group, world.store, world.watch, world.groups = None, None, None, []


def current(group: ProcessGroup | None) -> ProcessGroup:
    """Return `group`, or that of all processes; RuntimeError before `init_process_group`."""
    found = world.group if group is None else group
    if found is None:
        raise RuntimeError(
            "Default process group has not been initialized, please make sure to call init_process_group."
        )
    return found


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,  # noqa: ARG001
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
) -> ProcessGroup:
    """Return a group of some ranks. All processes call this in the same order, members or not.

    `group_desc` is a name for PyTorch's log, and not kept.
    """
    del group_desc
    if pg_options is not None or use_local_synchronization or device_id is not None:
        raise NotImplementedError(
            "new_group(pg_options=, use_local_synchronization=, device_id=) are not implemented"
        )
    whole = current(None)
    if backend not in (None, whole.backend.name):
        raise NotImplementedError(
            f"new_group(backend={backend!r}) beside {whole.backend.name!r} is not implemented"
        )
    chosen = sorted(whole.ranks if ranks is None else ranks)
    made = ProcessGroup(whole.backend.split(chosen), chosen, whole.own, len(world.groups))
    world.groups.append(made)
    return made


def get_rank(group: ProcessGroup | None = None) -> int:
    """Return the rank of this process, -1 outside the group."""
    return current(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """Return how many processes there are; -1 outside the group."""
    found = current(group)
    return found.size() if found.rank() >= 0 else -1


def get_backend(group: ProcessGroup | None = None) -> str:
    """Return 'mpi' or 'nccl'."""
    return str(current(group).backend.name)


def get_process_group_ranks(group: ProcessGroup | None = None) -> list[int]:
    """Return the ranks of the group among all."""
    return list(current(group).ranks)


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """Return the place of a rank in the group."""
    return group.place_of(global_rank)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """Return the rank among all of a place in the group."""
    return group.ranks[group_rank]


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """Return this process's number on its host, as the launcher says."""
    found = read_launch()
    return found.local_rank if found.rank is not None else fallback_rank or 0

"""Training in several processes, with the names of `torch.distributed`.

Backends: `nccl` on GPUs (not verified on hardware), `mpi` (mpi4py) on the CPU. What a process is told by
its launcher is in `environment`, where processes meet in `store`, who is missing at a deadline in `watch`.
"""

from __future__ import annotations

from typing import Any

from stackgrad.distributed.collectives import (
    Work,
    all_gather,
    all_gather_into_tensor,
    all_reduce,
    all_to_all,
    all_to_all_single,
    barrier,
    broadcast,
    gather,
    irecv,
    isend,
    monitored_barrier,
    recv,
    reduce,
    reduce_scatter,
    reduce_scatter_tensor,
    scatter,
    send,
)
from stackgrad.distributed.environment import Launch, read_launch
from stackgrad.distributed.groups import (
    ProcessGroup,
    destroy_process_group,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_node_local_rank,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    init_process_group,
    is_available,
    is_gloo_available,
    is_initialized,
    is_mpi_available,
    is_nccl_available,
    is_torchelastic_launched,
    new_group,
    world,
)
from stackgrad.distributed.objects import (
    all_gather_object,
    broadcast_object_list,
    gather_object,
    scatter_object_list,
)
from stackgrad.distributed.reduction import ReduceOp
from stackgrad.distributed.store import StoreError, TCPStore
from stackgrad.distributed.watch import DistributedError

DistStoreError = StoreError

__all__ = [
    "DistStoreError",
    "DistributedError",
    "Launch",
    "ProcessGroup",
    "ReduceOp",
    "StoreError",
    "TCPStore",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "gather_object",
    "get_backend",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "irecv",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "isend",
    "monitored_barrier",
    "new_group",
    "read_launch",
    "recv",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
    "send",
]


def __getattr__(name: str) -> Any:
    if name == "group":  # `torch.distributed.group.WORLD`
        return type("group", (), {"WORLD": world.group})
    raise AttributeError(f"stackgrad.distributed has no {name!r}: it is not implemented")

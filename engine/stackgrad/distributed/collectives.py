"""The collective operations on tensors, with PyTorch's names and arguments.

Every process of the group calls the same operations in the same order. With `async_op` an operation
returns a `Work` at once, whose `wait()` ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from stackgrad.arrays import Array
from stackgrad.distributed.groups import ProcessGroup, current, world
from stackgrad.distributed.reduction import ReduceOp
from stackgrad.distributed.watch import DistributedError
from stackgrad.tensor import Tensor


class Work:
    """An operation under way."""

    def __init__(
        self, group: ProcessGroup, pending: Any, what: str, place: str | None = None
    ) -> None:
        self.pending, self.what, self.ended, self.group = pending, what, False, group
        self.place = place or f"{group.number}:{next(group.operations)}"
        self.after: list[Callable[[], None]] = []

    def is_completed(self) -> bool:
        """Whether the operation has ended; its results are there after `wait()`."""
        return self.ended or bool(self.pending.done())

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait for the end; DistributedError at the deadline, naming the ranks that did not join."""
        if not self.ended:
            if world.watch is None:
                raise RuntimeError(f"{self.what}: the process group was destroyed before its end")
            limit = None if timeout is None else timeout.total_seconds()
            try:
                world.watch.wait(self.pending.done, self.what, self.place, self.group.ranks, limit)
            except DistributedError:
                self.group.backend.abort()
                raise
            self.ended = True
            self.pending.finish()
            for act in self.after:
                act()
        return True


def _begin(
    group: ProcessGroup | None, what: str, start: Callable[[ProcessGroup], Any], async_op: bool
) -> Work | None:
    found = current(group)
    if found.backend is None:
        raise RuntimeError(
            f"{what}: this process (rank {found.own}) is not in the group {found.ranks}"
        )
    work = Work(found, start(found), what)
    if async_op:
        return work
    work.wait()
    return None


def _written(tensor: Tensor) -> Array:
    """Return the array of a tensor that will be written to, counting the write."""
    tensor.version[0] += 1
    return tensor.array


def _check_alike(what: str, parts: Sequence[Tensor], tensor: Tensor, count: int) -> None:
    if len(parts) != count:
        raise ValueError(f"{what}: {len(parts)} tensors for {count} ranks")
    if any(
        p.array.shape != tensor.array.shape or p.array.dtype != tensor.array.dtype for p in parts
    ):
        raise ValueError(f"{what}: tensors of different shapes or types")


def _source(found: ProcessGroup, rank: int | None, place: int | None) -> int:
    if place is not None:
        return place
    return found.place_of(0 if rank is None else rank)


def all_reduce(
    tensor: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Replace `tensor` on all ranks by the sum (or what `op` says) over the ranks."""
    array = _written(tensor)
    return _begin(group, "all_reduce", lambda g: g.backend.all_reduce(array, op), async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Replace `tensor` on rank `dst` by the sum over the ranks."""
    array = _written(tensor)
    return _begin(
        group, "reduce", lambda g: g.backend.reduce(array, _source(g, dst, group_dst), op), async_op
    )


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Replace `tensor` on all ranks by that of rank `src`."""
    array = _written(tensor)
    return _begin(
        group,
        "broadcast",
        lambda g: g.backend.broadcast(array, _source(g, src, group_src)),
        async_op,
    )


def all_gather_into_tensor(
    output_tensor: Tensor,
    input_tensor: Tensor,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Collect `input_tensor` of all ranks in `output_tensor`, one after the other."""
    count = current(group).size()
    if output_tensor.array.size != count * input_tensor.array.size:
        raise ValueError("output tensor size must be equal to world_size times input tensor size")
    array, parts = input_tensor.array, _split(_written(output_tensor), count)
    return _begin(
        group, "all_gather_into_tensor", lambda g: g.backend.all_gather(parts, array), async_op
    )


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Sum `input` over the ranks and give every rank one part of it."""
    count = current(group).size()
    if input.array.size != count * output.array.size:
        raise ValueError("input tensor must be the same size as output size times world size")
    parts, array = input.array.reshape(count, -1), _flat(_written(output))
    return _begin(
        group,
        "reduce_scatter_tensor",
        lambda g: g.backend.reduce_scatter(array, parts, op),
        async_op,
    )


def all_gather(
    tensor_list: Sequence[Tensor],
    tensor: Tensor,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Write `tensor` of rank i into `tensor_list[i]`."""
    _check_alike("all_gather", tensor_list, tensor, current(group).size())
    array = tensor.array
    out = tensor.device.xp.empty((len(tensor_list), *array.shape), array.dtype)
    return _then(
        group,
        "all_gather",
        lambda g: g.backend.all_gather(out, array),
        lambda: _spread(out, tensor_list),
        async_op,
    )


def reduce_scatter(
    output: Tensor,
    input_list: Sequence[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Sum every tensor of the list over the ranks; rank i gets sum i."""
    _check_alike("reduce_scatter", input_list, output, current(group).size())
    parts = output.device.xp.stack([part.array for part in input_list])
    array = _written(output)
    return _begin(
        group, "reduce_scatter", lambda g: g.backend.reduce_scatter(array, parts, op), async_op
    )


def gather(
    tensor: Tensor,
    gather_list: Sequence[Tensor] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Write `tensor` of rank i into `gather_list[i]` of rank `dst`."""
    found = current(group)
    root = _source(found, dst, group_dst)
    parts = gather_list if found.rank() == root else None
    if parts is None and found.rank() == root:
        raise ValueError("gather: rank dst must give gather_list")
    if parts is not None:
        _check_alike("gather", parts, tensor, found.size())
    array = tensor.array
    out = (
        None if parts is None else tensor.device.xp.empty((found.size(), *array.shape), array.dtype)
    )
    return _then(
        group,
        "gather",
        lambda g: g.backend.gather(out, array, root),
        lambda: None if parts is None else _spread(out, parts),
        async_op,
    )


def scatter(
    tensor: Tensor,
    scatter_list: Sequence[Tensor] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Write tensor i of `scatter_list` of rank `src` into `tensor` of rank i."""
    found = current(group)
    root = _source(found, src, group_src)
    parts = None
    if found.rank() == root:
        _check_alike("scatter", scatter_list or (), tensor, found.size())
        parts = tensor.device.xp.stack([part.array for part in scatter_list or ()])
    array = _written(tensor)
    return _begin(group, "scatter", lambda g: g.backend.scatter(array, parts, root), async_op)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Any = None,
    input_split_sizes: Any = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Send part j of `input` to rank j; part i of `output` comes from rank i."""
    if output_split_sizes or input_split_sizes:
        raise NotImplementedError("all_to_all_single with split sizes is not in stackgrad")
    count = current(group).size()
    if input.array.size != output.array.size or input.array.size % count:
        raise ValueError(
            "all_to_all_single: sizes must be equal and divisible by the number of ranks"
        )
    parts, out = input.array.reshape(count, -1), _split(_written(output), count)
    return _begin(group, "all_to_all_single", lambda g: g.backend.all_to_all(out, parts), async_op)


def all_to_all(
    output_tensor_list: Sequence[Tensor],
    input_tensor_list: Sequence[Tensor],
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Send tensor j of the list to rank j; tensor i of the output comes from rank i. All are of one shape."""
    first, count = input_tensor_list[0], current(group).size()
    _check_alike("all_to_all", [*input_tensor_list, *output_tensor_list], first, 2 * count)
    parts = first.device.xp.stack([part.array for part in input_tensor_list])
    out = first.device.xp.empty_like(parts)
    return _then(
        group,
        "all_to_all",
        lambda g: g.backend.all_to_all(out, parts),
        lambda: _spread(out, output_tensor_list),
        async_op,
    )


def isend(tensor: Tensor, dst: int, group: ProcessGroup | None = None, tag: int = 0) -> Work:
    """Send `tensor` to rank `dst`."""
    found = current(group)
    pending = found.backend.send(tensor.array, found.place_of(dst), tag)
    return Work(found, pending, f"send to rank {dst}", f"{found.own}>{dst}")


def irecv(tensor: Tensor, src: int, group: ProcessGroup | None = None, tag: int = 0) -> Work:
    """Receive `tensor` from rank `src`."""
    found = current(group)
    pending = found.backend.receive(_written(tensor), found.place_of(src), tag)
    return Work(found, pending, f"recv from rank {src}", f"{src}>{found.own}")


def send(tensor: Tensor, dst: int, group: ProcessGroup | None = None, tag: int = 0) -> None:
    """Send `tensor` to rank `dst` and wait until it is on its way."""
    isend(tensor, dst, group, tag).wait()


def recv(tensor: Tensor, src: int, group: ProcessGroup | None = None, tag: int = 0) -> int:
    """Receive `tensor` from rank `src`, which is returned."""
    irecv(tensor, src, group, tag).wait()
    return src


def barrier(
    group: ProcessGroup | None = None,
    async_op: bool = False,
    device_ids: Any = None,  # noqa: ARG001  (each process has one device)
) -> Work | None:
    """Wait until all ranks are here."""
    return _begin(group, "barrier", lambda g: g.backend.barrier(), async_op)


def monitored_barrier(
    group: ProcessGroup | None = None,
    timeout: timedelta | None = None,
    wait_all_ranks: bool = False,  # noqa: ARG001  (all that are missing are named anyway)
) -> None:
    """Wait until all ranks are here; DistributedError names those that do not come in time."""
    work = _begin(group, "monitored_barrier", lambda g: g.backend.barrier(), True)
    if work is not None:
        work.wait(timeout)


def _then(
    group: ProcessGroup | None,
    what: str,
    start: Callable[[ProcessGroup], Any],
    after: Callable[[], None],
    async_op: bool,
) -> Work | None:
    """Begin an operation after whose end something remains to be done."""
    work = _begin(group, what, start, True)
    if work is not None:
        work.after.append(after)
        if not async_op:
            work.wait()
    return work if async_op else None


def _spread(out: Array, tensors: Sequence[Tensor]) -> None:
    for part, tensor in zip(out, tensors, strict=True):
        _written(tensor)[...] = part


def _split(array: Array, count: int) -> Array:
    """Return a view (count, ...) to write to."""
    if not array.flags.c_contiguous:
        raise ValueError("the tensor to write to must be contiguous")
    return array.reshape(count, -1)


def _flat(array: Array) -> Array:
    return _split(array, 1)[0]

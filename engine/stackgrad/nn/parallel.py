"""Data parallelism: every process trains on its part of the batch, and gradients are averaged."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from stackgrad import distributed
from stackgrad.distributed.collectives import Work
from stackgrad.distributed.groups import ProcessGroup
from stackgrad.distributed.reduction import ReduceOp
from stackgrad.grad_mode import mode
from stackgrad.nn.module import Module
from stackgrad.tensor import Tensor, wrap

__all__ = ["DistributedDataParallel"]

_MEGABYTE = 1 << 20


class DistributedDataParallel(Module):
    """A module whose gradients are averaged over the processes of a group after every backward pass.

    Parameters and buffers of rank 0 are copied to all at the start, buffers before every forward pass in
    training, too. Gradients travel in buckets of `bucket_cap_mb`, in one order on all ranks, the last layers
    first. Every parameter must take part in the loss, unless `find_unused_parameters` is set; else the
    next forward pass raises RuntimeError, naming the parameters.
    """

    def __init__(  # noqa: PLR0917  (PyTorch's order)
        self,
        module: Module,
        device_ids: Any = None,  # noqa: ARG002  (the module's own device decides)
        output_device: Any = None,  # noqa: ARG002
        dim: int = 0,  # noqa: ARG002
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float = 25,
        find_unused_parameters: bool = False,
        gradient_as_bucket_view: bool = False,  # noqa: ARG002  (a matter of memory alone)
        static_graph: bool = False,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self.module = module
        self.process_group = process_group
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.require_backward_grad_sync = True
        named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        if not named:
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that "
                "requires a gradient."
            )
        if init_sync:
            self._check_same_shapes(named)
            for tensor in itertools.chain(module.parameters(), module.buffers()):
                distributed.broadcast(tensor, self._root(), process_group)
        self._reducer = _Reducer(named, int(bucket_cap_mb * _MEGABYTE), process_group)

    def _root(self) -> int:
        return distributed.get_process_group_ranks(self.process_group)[0]

    def _check_same_shapes(self, named: Sequence[tuple[str, Tensor]]) -> None:
        own = [f"{name} {tuple(p.array.shape)} {p.dtype.name}" for name, p in named]
        everywhere: list[Any] = []
        distributed.all_gather_object(everywhere, own, self.process_group)
        for rank, theirs in enumerate(everywhere):
            if theirs != everywhere[0]:
                odd = next(
                    a or b for a, b in itertools.zip_longest(theirs, everywhere[0]) if a != b
                )
                raise RuntimeError(f"rank {rank} has other parameters than rank 0: {odd}")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the module."""
        wanted = mode.enabled and self.require_backward_grad_sync
        if wanted:
            self._reducer.check_finished()
        if self.broadcast_buffers and self.training and self.require_backward_grad_sync:
            for buffer in self.module.buffers():
                distributed.broadcast(buffer, self._root(), self.process_group)
        result = self.module(*args, **kwargs)
        if wanted:
            self._reducer.begin(_leaves(result) if self.find_unused_parameters else None)
        return result

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Let gradients add up without being averaged; the next backward pass outside averages the sum."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before


class _Reducer:
    """Averages the gradients of parameters, in buckets, as soon as all of a bucket are there."""

    def __init__(
        self, named: Sequence[tuple[str, Tensor]], limit: int, group: ProcessGroup | None
    ) -> None:
        self.group = group
        self.names = {id(p): name for name, p in named}
        self.buckets = _fill([p for _, p in named], limit)
        self.bucket_of = {id(p): i for i, bucket in enumerate(self.buckets) for p in bucket}
        self.missing: list[set[int]] = []  # per bucket, while a backward pass is awaited
        self.launched: list[tuple[Tensor, Work | None]] = []
        self.handles = [p.register_post_accumulate_grad_hook(self._arrived) for _, p in named]

    def begin(self, used: set[int] | None) -> None:
        """Await the gradients of one backward pass: those of all parameters, or of those `used`."""
        self.missing = [
            {id(p) for p in bucket if used is None or id(p) in used} for bucket in self.buckets
        ]
        self.launched = []

    def check_finished(self) -> None:
        """Raise RuntimeError if the last backward pass left buckets that were begun."""
        if self.launched or any(
            len(missing) < len(bucket)
            for missing, bucket in zip(self.missing, self.buckets, strict=False)
        ):
            names = sorted(self.names[key] for missing in self.missing for key in missing)
            self.missing, self.launched = [], []
            raise RuntimeError(
                "Expected to have finished reduction in the prior iteration before starting a new one: no gradient "
                f"came for {', '.join(names)}; pass find_unused_parameters=True if the loss does not use them"
            )

    def _arrived(self, parameter: Tensor) -> None:
        if not self.missing:
            return
        self.missing[self.bucket_of[id(parameter)]].discard(id(parameter))
        while len(self.launched) < len(self.buckets) and not self.missing[len(self.launched)]:
            self._launch(self.buckets[len(self.launched)])
        if len(self.launched) == len(self.buckets):
            self._finish()

    def _launch(self, bucket: list[Tensor]) -> None:
        xp, device = bucket[0].device.xp, bucket[0].device
        pieces = [
            xp.zeros(p.array.size, p.array.dtype) if p.grad is None else p.grad.array.reshape(-1)
            for p in bucket
        ]
        flat = wrap(xp.concatenate(pieces), device)
        self.launched.append(
            (flat, distributed.all_reduce(flat, ReduceOp.AVG, self.group, async_op=True))
        )

    def _finish(self) -> None:
        launched, self.launched, self.missing = self.launched, [], []
        for bucket, (flat, work) in zip(self.buckets, launched, strict=True):
            if work is not None:
                work.wait()
            start = 0
            for p in bucket:
                size = p.array.size
                average = flat.array[start : start + size].reshape(p.array.shape)
                if p.grad is None:
                    p.grad = wrap(average.copy(), p.device)
                else:
                    p.grad.array[...] = average
                    p.grad.version[0] += 1
                start += size


def _fill(parameters: list[Tensor], limit: int) -> list[list[Tensor]]:
    """Return buckets of at most `limit` bytes (but at least one tensor) of one type, last parameters first."""
    buckets: list[list[Tensor]] = []
    room = 0
    for p in reversed(parameters):
        size = int(p.array.nbytes)
        if not buckets or size > room or buckets[-1][0].array.dtype != p.array.dtype:
            buckets.append([])
            room = limit
        buckets[-1].append(p)
        room -= size
    return buckets


def _leaves(result: Any) -> set[int]:
    """Return the ids of the leaves that the tensors in `result` were made of."""
    seen: set[int] = set()
    stack: list[Any] = []

    def collect(value: Any) -> None:
        if isinstance(value, Tensor):
            stack.append(value if value.grad_fn is None else value.grad_fn)
        elif isinstance(value, dict):
            for part in value.values():
                collect(part)
        elif isinstance(value, (list, tuple)):
            for part in value:
                collect(part)

    collect(result)
    found: set[int] = set()
    while stack:
        target = stack.pop()
        if isinstance(target, Tensor):
            found.add(id(target))
        elif id(target) not in seen:
            seen.add(id(target))
            stack += [edge[0] for edge in target.edges if edge is not None]
    return found

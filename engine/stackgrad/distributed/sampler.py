"""`torch.utils.data.distributed`: every process draws its own part of a data set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

from stackgrad import distributed
from stackgrad.random import Generator, permutation
from stackgrad.utils.data import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Draws elements rank, rank + n, rank + 2n, ... of an order that all n processes share.

    The parts are equally long: the first elements come again at the end, or with `drop_last` the last are
    left out. `set_epoch` changes the order.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
        self.rank = distributed.get_rank() if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(
                f"Invalid rank {self.rank}, rank should be in the interval [0, {self.num_replicas - 1}]"
            )
        self.dataset, self.shuffle, self.seed, self.drop_last = dataset, shuffle, seed, drop_last
        self.epoch = 0
        parts = len(dataset) / self.num_replicas
        self.num_samples = math.floor(parts) if drop_last else math.ceil(parts)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        order: list[int] = list(range(count))
        if self.shuffle:
            import numpy as np

            generator = Generator().manual_seed(self.seed + self.epoch)
            order = permutation(np, count, generator).tolist()
        if count:
            order = (order * math.ceil(max(self.total_size, 1) / count))[: self.total_size]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Draw another order from now on; all processes must say the same."""
        self.epoch = epoch


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.utils.data.distributed has no {name!r}: it is not implemented")

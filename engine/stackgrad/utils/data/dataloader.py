"""The loader: batches of a data set, made here or by worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from stackgrad.ops.sampling import randint
from stackgrad.random import Generator
from stackgrad.utils.data.collate import default_collate, default_convert
from stackgrad.utils.data.dataset import IterableDataset
from stackgrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from stackgrad.utils.data.worker import Pool, fetch, stream

__all__ = ["DataLoader", "default_collate", "default_convert"]

T = TypeVar("T")


class DataLoader(Generic[T]):
    """Batches of a data set, in the order of its sampler.

    With `num_workers` above 0 processes make them, `prefetch_factor` ahead each. `pin_memory` and
    `pin_memory_device` choose how PyTorch copies to a GPU; the batches are the same. Raises ValueError
    where two options contradict each other.
    """

    def __init__(  # noqa: PLR0917
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.streamed = isinstance(dataset, IterableDataset)
        _check(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        if not in_order:
            raise NotImplementedError("DataLoader(in_order=False) is not implemented in stackgrad")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if self.streamed and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("an IterableDataset has no shuffle, sampler or batch_sampler")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None is mutually exclusive with drop_last")
        if sampler is None and not self.streamed:
            sampler = (
                RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if batch_sampler is None and batch_size is not None and not self.streamed:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = prefetch_factor or (2 if num_workers else None)
        self.persistent_workers = persistent_workers
        alone = batch_size is None and batch_sampler is None
        self.collate_fn = collate_fn or (default_convert if alone else default_collate)
        self._pool: Pool | None = None

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers:
            return self._by_workers()
        if self.streamed:
            return stream(self.dataset, self.batch_size, self.drop_last, self.collate_fn)
        return (fetch(self.dataset, numbers, self.collate_fn) for numbers in self._numbers())

    def _numbers(self) -> Iterator[Any]:
        chosen = self.sampler if self.batch_sampler is None else self.batch_sampler
        return iter(chosen)  # type: ignore[arg-type]

    def _by_workers(self) -> Iterator[Any]:
        seed = int(randint(0, 2**62, (), generator=self.generator))
        pool = self._pool or Pool(self, seed)
        self._pool = pool if self.persistent_workers else None
        tasks = iter(int, 1) if self.streamed else self._numbers()  # `iter(int, 1)` never ends
        try:
            yield from pool.run(tasks, self.prefetch_factor or 2, streamed=self.streamed)
        finally:
            if self._pool is None:
                pool.close()

    def __del__(self) -> None:
        pool = self.__dict__.get("_pool")
        if pool is not None:
            pool.close()

    def __len__(self) -> int:
        if self.streamed:
            length = len(self.dataset)
            if self.batch_size is None:
                return length
            return length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]


def _check(workers: int, timeout: float, ahead: int | None, persistent: bool, context: Any) -> None:
    """Raise ValueError for options that contradict each other."""
    if workers < 0 or timeout < 0:
        raise ValueError("num_workers and timeout of a DataLoader must not be negative")
    if not workers and (ahead is not None or persistent or timeout or context is not None):
        raise ValueError(
            "prefetch_factor, persistent_workers, timeout and multiprocessing_context need num_workers > 0"
        )
    if ahead is not None and ahead < 1:
        raise ValueError("prefetch_factor must be at least 1")

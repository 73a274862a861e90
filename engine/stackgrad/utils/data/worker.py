"""Processes that load data: each takes numbers of batches from its own queue and answers on a shared one."""

from __future__ import annotations

import itertools
import queue
import random as python_random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker process can ask of itself."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


@dataclass(frozen=True)
class Failure:
    """An exception in a worker, as it is raised again in the process of the loader."""

    error: BaseException
    text: str


END = "end of the stream"
_info: list[WorkerInfo] = []


def get_worker_info() -> WorkerInfo | None:
    """Return which worker this process is; None in the process of the loader."""
    return _info[0] if _info else None


def fetch(dataset: Any, numbers: Any, collate: Callable[[Any], Any]) -> Any:
    """Return the batch of the items `numbers`, or the one item where it is a number."""
    if not isinstance(numbers, (list, tuple)):
        return collate(dataset[numbers])
    many = getattr(dataset, "__getitems__", None)
    return collate(many(list(numbers)) if many is not None else [dataset[n] for n in numbers])


def stream(
    dataset: Any, batch_size: int | None, drop_last: bool, collate: Callable[[Any], Any]
) -> Iterator[Any]:
    """Yield the batches of a stream."""
    items = iter(dataset)
    if batch_size is None:
        yield from map(collate, items)
        return
    while batch := list(itertools.islice(items, batch_size)):
        if len(batch) == batch_size or not drop_last:
            yield collate(batch)


def work(
    info: WorkerInfo,
    orders: Any,
    answers: Any,
    collate: Callable[[Any], Any],
    begin: Callable[[int], Any] | None,
    streaming: tuple[int | None, bool] | None,
) -> None:
    """Answer orders (epoch, task, numbers) with (epoch, task, batch) until the order None comes.

    `streaming` is (batch size, drop last) where the data set is a stream, whose numbers mean nothing.
    """
    from stackgrad import random
    from stackgrad.tuning import set_blas_threads, set_num_threads

    _info[:] = [info]
    set_num_threads(1)
    set_blas_threads(1)
    random.manual_seed(info.seed)
    python_random.seed(info.seed)
    np.random.seed(info.seed % 2**32)  # noqa: NPY002  (what data sets draw from)
    failure = None
    try:
        if begin is not None:
            begin(info.id)
    except Exception as error:  # noqa: BLE001  (a process boundary: it is raised again by the loader)
        failure = Failure(error, traceback.format_exc())
    batches: Any = None
    epoch_of_stream = -1
    while (order := orders.get()) is not None:
        epoch, task, numbers = order
        try:
            if failure is not None:
                answer: Any = failure
            elif streaming is None:
                answer = fetch(info.dataset, numbers, collate)
            else:
                if epoch != epoch_of_stream:
                    batches, epoch_of_stream = stream(info.dataset, *streaming, collate), epoch
                answer = next(batches, END)
        except Exception as error:  # noqa: BLE001  (a process boundary: it is raised again by the loader)
            answer = Failure(error, traceback.format_exc())
        answers.put((epoch, task, answer))


class Pool:
    """The worker processes of a loader."""

    def __init__(self, loader: Any, seed: int) -> None:
        import multiprocessing

        context = loader.multiprocessing_context
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context)
        self.timeout, self.answers, self.epoch = loader.timeout, context.Queue(), 0
        self.orders = [context.Queue() for _ in range(loader.num_workers)]
        streaming = (loader.batch_size, loader.drop_last) if loader.streamed else None
        self.processes = []
        for number, orders in enumerate(self.orders):
            info = WorkerInfo(number, loader.num_workers, seed + number, loader.dataset)
            arguments = (info, orders, self.answers, loader.collate_fn)
            process = context.Process(
                target=work, args=(*arguments, loader.worker_init_fn, streaming), daemon=True
            )
            process.start()
            self.processes.append(process)

    def run(self, tasks: Iterator[Any], ahead: int, *, streamed: bool) -> Iterator[Any]:
        """Yield the batches of `tasks` in their order, `ahead` of them under way in each worker."""
        self.epoch += 1
        active = set(range(len(self.orders)))
        workers = itertools.cycle(range(len(self.orders)))
        sent = taken = 0
        owner: dict[int, int] = {}
        ready: dict[int, Any] = {}

        def send() -> bool:
            nonlocal sent
            task = next(tasks, END)
            if task is END or not active:
                return False
            worker = next(w for w in workers if w in active)
            self.orders[worker].put((self.epoch, sent, task))
            owner[sent] = worker
            sent += 1
            return True

        for _ in range(ahead * len(self.orders)):
            if not send():
                break
        while taken < sent:
            while taken not in ready:
                epoch, task, answer = self._receive()
                if epoch == self.epoch:
                    ready[task] = answer
            answer, taken = ready.pop(taken), taken + 1
            if isinstance(answer, Failure):
                _raise(answer, owner[taken - 1])
            if streamed and isinstance(answer, str) and answer == END:
                active.discard(owner[taken - 1])
                continue
            send()
            yield answer

    def _receive(self) -> Any:
        """Return the next answer; RuntimeError if it does not come in time or a worker has died."""
        waited = 0.0
        while True:
            try:
                return self.answers.get(timeout=1.0)
            except queue.Empty:
                waited += 1.0
                dead = [p.pid for p in self.processes if not p.is_alive()]
                if dead:
                    raise RuntimeError(
                        f"DataLoader worker (pid(s) {dead}) exited unexpectedly"
                    ) from None
                if self.timeout and waited >= self.timeout:
                    raise RuntimeError(
                        f"DataLoader timed out after {self.timeout} seconds"
                    ) from None

    def close(self) -> None:
        """End the processes."""
        for orders in self.orders:
            orders.put(None)
        for process in self.processes:
            process.join(1.0)
            if process.is_alive():
                process.terminate()
                process.join()
        for channel in (*self.orders, self.answers):
            channel.cancel_join_thread()
            channel.close()


def _raise(failure: Failure, worker: int) -> None:
    text = f"Caught {type(failure.error).__name__} in DataLoader worker process {worker}.\n{failure.text}"
    try:
        again = type(failure.error)(text)
    except TypeError:  # it takes other arguments
        again = RuntimeError(text)
    raise again from failure.error

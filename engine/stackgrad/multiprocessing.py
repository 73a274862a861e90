"""`torch.multiprocessing`: Python's `multiprocessing`, and `spawn`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing import *  # noqa: F403  (the names of Python's module)
from typing import Any


class ProcessRaisedException(RuntimeError):
    """A process that `spawn` began ended with an exception."""


def _run(function: Callable[..., Any], rank: int, args: Iterable[Any], errors: Any) -> None:
    import traceback

    try:
        function(rank, *args)
    except Exception:  # noqa: BLE001  (a process boundary: it is raised again by `spawn`)
        errors.put((rank, traceback.format_exc()))
        raise SystemExit(1) from None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> Any:
    """Run fn(rank, *args) in `nprocs` processes; raise ProcessRaisedException with the text of the first error."""
    context: Any = multiprocessing.get_context(start_method)
    errors = context.SimpleQueue()
    processes = [
        context.Process(target=_run, args=(fn, rank, args, errors), daemon=daemon)
        for rank in range(nprocs)
    ]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    if not errors.empty():
        rank, text = errors.get()
        raise ProcessRaisedException(f"Process {rank} terminated with the following error:\n{text}")
    ended = [(rank, p.exitcode) for rank, p in enumerate(processes) if p.exitcode]
    if ended:
        raise ProcessRaisedException(
            f"Process {ended[0][0]} terminated with exit code {ended[0][1]}"
        )
    return None


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.multiprocessing has no {name!r}: it is not implemented")

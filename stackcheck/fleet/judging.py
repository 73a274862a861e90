"""Many facts files judged: by several processes where there are many, with no more than the rows kept."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.diagnose.examination import load_plugins, own_rules
from stackcheck.errors import Undeterminable
from stackcheck.fleet.files import read_file
from stackcheck.fleet.judgement import Probed, judge
from stackcheck.fleet.node import Node
from stackcheck.knowledge.knowledge import load

if TYPE_CHECKING:
    from stackcheck.model.expectation import Expectation
    from stackcheck.model.machine import Machine

__all__ = ["Judge", "judge_files"]

_BATCH = 50
_WORTH = 400
"""Files from which on the start of further processes pays."""
_PROCESSES_MAX = 16


class Judge:
    """Rules and knowledge at hand, for one machine after another."""

    def __init__(self, matrices: Path | None, expected: Machine | Expectation | None) -> None:
        self._knowledge = load(matrices)
        self._expected = expected
        self._plugins = load_plugins(own_rules())

    def __call__(self, answer: Probed | Node) -> Node:
        """Return the row of a node; that of one that gave no facts is there already."""
        if isinstance(answer, Node):
            return answer
        return judge(answer, self._knowledge, self._expected, self._plugins)


def judge_files(
    paths: Sequence[Path], matrices: Path | None, expected: Machine | Expectation | None
) -> Iterator[Node]:
    """Yield one row per file, in their order. Raises `Undeterminable` where a process of ours is killed."""
    processes = min(_cores(), _PROCESSES_MAX)
    if processes < 2 or len(paths) < _WORTH:
        here = Judge(matrices, expected)
        for path in paths:
            yield here(read_file(path))
        return
    batches = [paths[start : start + _BATCH] for start in range(0, len(paths), _BATCH)]
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(matrices, expected)
    ) as pool:
        try:
            for rows in pool.map(_judge_batch, batches):
                yield from rows
        except BrokenProcessPool as error:
            raise Undeterminable(
                "a process that judged facts files was killed (out of memory?)"
            ) from error


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_judges: list[Judge] = []
"""The judge of a process that was started to judge."""


def _prepare(matrices: Path | None, expected: Machine | Expectation | None) -> None:
    gc.disable()  # it would look through rules and knowledge again and again, a third of the time
    _judges.append(Judge(matrices, expected))


def _judge_batch(paths: Sequence[Path]) -> list[Node]:
    rows = [_judges[0](read_file(path)) for path in paths]
    gc.collect()
    gc.freeze()  # what is left is there for good
    return rows

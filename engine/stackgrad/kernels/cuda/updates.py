"""Optimizer kernels on arrays: all parameters of one type in one launch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.cuda.launch import each
from stackgrad.kernels.cuda.source import KINDS, accumulator
from stackgrad.kernels.cuda.upload import Refresh, upload
from stackgrad.kernels.optimizer import AdamStep


def address(array: Array | None) -> int:
    """Return the address of the first element, 0 of None."""
    if array is None:
        return 0
    if isinstance(array, np.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)


class Table:
    """The addresses and sizes of many arrays in device memory; made anew only when one has moved."""

    def __init__(self) -> None:
        self.known: list[tuple[int, ...]] = []
        self.arrays: tuple[Array, Array] | None = None
        self.total = 0

    def of(self, xp: ArrayModule, rows: Sequence[Sequence[Array | None]]) -> tuple[Array, Array]:
        """Return the addresses (count, columns) and where the elements of each row end."""
        found = [tuple(address(array) for array in row) for row in rows]
        if self.arrays is None or found != self.known:
            ends, total = [], 0
            for row in rows:
                total += int(getattr(row[0], "size", 0))
                ends.append(total)
            self.known, self.total = found, total
            self.arrays = upload(xp, found, "uint64"), upload(xp, ends, "int64")
        return self.arrays


def takes(row: Sequence[Array | None]) -> bool:
    """Whether the kernels can update this row: no gaps, and a state as wide as sums are formed."""
    sums = accumulator(row[0].dtype) if row[0] is not None and row[0].dtype in KINDS else None
    return all(
        a is None or (a.flags.c_contiguous and (i < 2 or a.dtype == sums))
        for i, a in enumerate(row)
    )


def adam(
    xp: ArrayModule,
    table: Table,
    rows: Sequence[Sequence[Array | None]],
    step: AdamStep,
    refresh: Callable[[], AdamStep] | None = None,
) -> None:
    """Update rows of p, g, m, v and the largest v (or None), which `takes` took.

    `refresh` gives the numbers of the next step when a captured graph replays this one.
    """
    later = None if refresh is None else lambda: _numbers(refresh())
    _update(xp, "adam", table, rows, _numbers(step), (), later)


def _numbers(step: AdamStep) -> tuple[float, ...]:
    return (step.rate, step.eps, step.beta1, step.beta2, step.shrink, step.decay, step.sign)


def sgd(
    xp: ArrayModule,
    table: Table,
    rows: Sequence[Sequence[Array | None]],
    settings: Sequence[float],
    *,
    nesterov: bool,
    first: bool,
    refresh: Refresh | None = None,
) -> None:
    """Update rows of p, g and the momentum buffer (or None).

    `settings` are rate, momentum, 1 - dampening, decay, sign; `first` fills the buffers.
    """
    _update(xp, "sgd", table, rows, settings, (nesterov, first), refresh)


def _update(
    xp: ArrayModule,
    name: str,
    table: Table,
    rows: Any,
    settings: Sequence[float],
    rest: tuple[Any, ...],
    refresh: Refresh | None,
) -> None:
    kind = rows[0][0].dtype
    if not all(takes(row) for row in rows):
        raise ValueError(f"{name}: an array with gaps, or a state that is not {accumulator(kind)}")
    addresses, ends = table.of(xp, rows)
    numbers = upload(xp, settings, accumulator(kind), refresh)
    each(xp, name, kind, table.total, (addresses, ends, len(rows), table.total, numbers, *rest))

"""Optimizer kernels on arrays: all parameters of one type in one launch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.cuda.launch import each
from stackgrad.kernels.cuda.source import accumulator


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
            self.arrays = xp.asarray(found, dtype="uint64"), xp.asarray(ends, dtype="int64")
        return self.arrays


def adam(
    xp: ArrayModule, table: Table, rows: Sequence[Sequence[Array | None]], numbers: Array
) -> None:
    """Update rows of p, g, m, v and the largest v (or None), all without gaps; m and v are float32 or wider.

    `numbers` are rate, eps, beta1, beta2, shrink, decay, sign of `AdamStep`, in device memory.
    """
    _update(xp, "adam", table, rows, (numbers,))


def sgd(
    xp: ArrayModule,
    table: Table,
    rows: Sequence[Sequence[Array | None]],
    numbers: Array,
    *,
    nesterov: bool,
    first: bool,
) -> None:
    """Update rows of p, g and the momentum buffer (or None).

    `numbers` are rate, momentum, 1 - dampening, decay, sign; `first` fills the buffers.
    """
    _update(xp, "sgd", table, rows, (numbers, nesterov, first))


def _update(xp: ArrayModule, name: str, table: Table, rows: Any, rest: tuple[Any, ...]) -> None:
    kind = rows[0][0].dtype
    for row in rows:
        if any(a is not None and not a.flags.c_contiguous for a in row):
            raise ValueError(f"{name}: an array with gaps")
        if any(a is not None and a.dtype != accumulator(kind) for a in row[2:]):
            raise ValueError(f"{name}: the state of {kind} is kept as {accumulator(kind)}")
    addresses, ends = table.of(xp, rows)
    each(xp, name, kind, table.total, (addresses, ends, len(rows), table.total, *rest))

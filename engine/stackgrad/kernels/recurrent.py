"""A layer of LSTM over a whole sequence (Hochreiter and Schmidhuber, 1997; gates i, f, g, o).

What does not depend on the step before is done for all steps at once: the products with the input,
the slopes of all gates, the gradients of all weights. All gates are one tanh, as
sigmoid(x) = (tanh(x / 2) + 1) / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.products import matmul
from stackgrad.kernels.rowwise import over_blocks
from stackgrad.libraries import lstm
from stackgrad.tuning import parallel


class LSTMLayer:
    """x (time, batch, in), h and c (batch, hidden) to y (time, batch, hidden) and the last h and c."""

    @staticmethod
    def forward(
        xp: ArrayModule,
        x: Array,
        h: Array,
        c: Array,
        w_ih: Array,
        w_hh: Array,
        b_ih: Array | None,
        b_hh: Array | None,
        *,
        keep: bool,
    ) -> tuple[tuple[Array, ...], Any]:
        """Return y, h, c, and what backward wants: gates, cells and their tanh of every step."""
        if xp is np and lstm.suits(x, h, c, w_ih, w_hh, b_ih, b_hh):
            return _forward_by_library(x, h, c, w_ih, w_hh, b_ih, b_hh, keep)
        steps, batch, width = x.shape
        hidden = h.shape[1]
        scale = xp.full(4 * hidden, 0.5, x.dtype)
        scale[2 * hidden : 3 * hidden] = 1
        shift = 1 - scale
        flat = xp.ascontiguousarray(x).reshape(steps * batch, width)
        gates = matmul(xp, flat, (w_ih * scale[:, None]).T).reshape(steps, batch, 4 * hidden)
        if b_ih is not None and b_hh is not None:
            gates += (b_ih + b_hh) * scale
        recurrent = xp.ascontiguousarray((w_hh * scale[:, None]).T)
        y, squashed = (xp.empty((steps, batch, hidden), x.dtype) for _ in range(2))
        cells = xp.empty((steps + 1, batch, hidden), x.dtype)
        cells[0] = c
        product, new = xp.empty((batch, 4 * hidden), x.dtype), xp.empty((batch, hidden), x.dtype)
        for t in range(steps):
            gate, cell = gates[t], cells[t + 1]
            xp.matmul(h, recurrent, out=product)
            gate += product
            xp.tanh(gate, out=gate)
            gate *= scale
            gate += shift
            xp.multiply(gate[:, hidden : 2 * hidden], cells[t], out=cell)
            xp.multiply(gate[:, :hidden], gate[:, 2 * hidden : 3 * hidden], out=new)
            cell += new
            xp.tanh(cell, out=squashed[t])
            h = xp.multiply(gate[:, 3 * hidden :], squashed[t], out=y[t])
        return (y, h.copy(), cells[steps].copy()), (gates, cells, squashed, y) if keep else None

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],
    ) -> list[Array | None]:
        """Return the gradients of x, h, c, w_ih, w_hh, b_ih, b_hh."""
        if isinstance(residue, dict):
            return _backward_by_library(residue, gradients, arrays, needs)
        gates, cells, squashed, y = residue
        x, h, _, w_ih, w_hh, _, _ = arrays
        steps, batch, hidden = y.shape
        slopes, through = _slopes(xp, gates, cells, squashed)
        dh, dc = (
            xp.zeros((batch, hidden), y.dtype) if g is None else g.copy() for g in gradients[1:]
        )
        work = xp.empty((batch, hidden), y.dtype)
        for t in range(steps - 1, -1, -1):
            if gradients[0] is not None:
                dh += gradients[0][t]
            dc += xp.multiply(dh, through[t], out=work)
            slope = slopes[t]
            slope[:, :3] *= dc[:, None]
            slope[:, 3] *= dh
            dc *= gates[t, :, hidden : 2 * hidden]
            xp.matmul(slope.reshape(batch, -1), w_hh, out=dh)
        flat = slopes.reshape(steps * batch, 4 * hidden)
        before = xp.concatenate([h[None], y[:-1]]).reshape(steps * batch, hidden)
        inputs = xp.ascontiguousarray(x).reshape(steps * batch, -1)
        bias = xp.ones(flat.shape[0], flat.dtype) @ flat if needs[5] or needs[6] else None
        return [
            matmul(xp, flat, w_ih).reshape(x.shape) if needs[0] else None,
            dh if needs[1] else None,
            dc if needs[2] else None,
            matmul(xp, flat.T, inputs) if needs[3] else None,
            matmul(xp, flat.T, before) if needs[4] else None,
            bias if needs[5] else None,
            bias.copy() if needs[6] and bias is not None else None,
        ]


def _bias(b_ih: Array | None, b_hh: Array | None, size: int) -> Array:
    return np.zeros(size, np.float32) if b_ih is None or b_hh is None else b_ih + b_hh


def _forward_by_library(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any, keep: bool
) -> tuple[tuple[Array, ...], Any]:
    """Let every thread run the whole sequence of its part of the batch."""
    steps, batch, _ = x.shape
    w_ih, w_hh = np.ascontiguousarray(w_ih), np.ascontiguousarray(w_hh)
    bias = _bias(b_ih, b_hh, w_hh.shape[0])
    y, last = np.empty((steps, *h.shape), x.dtype), (np.empty_like(h), np.empty_like(h))
    residue: dict[int, Any] = {}

    def work(start: int, stop: int) -> None:
        part = np.ascontiguousarray(x[:, start:stop]), h[start:stop].copy(), c[start:stop].copy()
        found, kept = lstm.forward((*part, w_ih, w_hh, bias), keep=keep)
        y[:, start:stop] = found[0]
        last[0][start:stop], last[1][start:stop] = found[1:]
        residue[start] = stop, part, kept

    parallel(work, batch, 8)
    return (y, *last), residue if keep else None


def _backward_by_library(
    residue: dict[int, Any],
    gradients: Sequence[Array | None],
    arrays: Sequence[Array],
    needs: Sequence[bool],
) -> list[Array | None]:
    x, h, _, w_ih, w_hh, b_ih, b_hh = arrays
    w_ih, w_hh = np.ascontiguousarray(w_ih), np.ascontiguousarray(w_hh)
    bias = _bias(b_ih, b_hh, w_hh.shape[0])
    steps, (batch, hidden) = x.shape[0], h.shape
    shapes = (steps, batch, hidden), (batch, hidden), (batch, hidden)
    given = [
        np.zeros(s, x.dtype) if g is None else g for g, s in zip(gradients, shapes, strict=True)
    ]
    by_input = np.empty(x.shape, x.dtype), np.empty(h.shape, x.dtype), np.empty(h.shape, x.dtype)
    by_weight: dict[int, Any] = {}

    def work(first: int, last: int) -> None:
        for start in starts[first:last]:
            stop, part, kept = residue[start]
            slopes = [
                np.ascontiguousarray(a)
                for a in (given[0][:, start:stop], given[1][start:stop], given[2][start:stop])
            ]
            found = lstm.backward(kept, (*part, w_ih, w_hh, bias), slopes)
            by_input[0][:, start:stop] = found[0]
            by_input[1][start:stop], by_input[2][start:stop] = found[1:3]
            by_weight[start] = found[3:]

    starts = sorted(residue)
    parallel(work, len(starts))
    totals = [
        sum(parts[1:], parts[0]) for parts in zip(*(by_weight[s] for s in starts), strict=True)
    ]
    found = [*by_input, *totals, totals[2].copy()]
    return [a if need else None for a, need in zip(found, needs, strict=True)]


def _slopes(xp: ArrayModule, gates: Array, cells: Array, squashed: Array) -> tuple[Array, Array]:
    """Return what the gradients of c (first three gates) and h (the last) are multiplied with.

    (time, batch, 4, hidden): the slope of each gate by what it weighs; and (time, batch, hidden): the
    slope of h by c.
    """
    steps, batch, hidden = squashed.shape
    rows = steps * batch
    gate = gates.reshape(rows, 4, hidden)
    cell, tanh = cells[:-1].reshape(rows, hidden), squashed.reshape(rows, hidden)
    slopes, through = xp.empty_like(gate), xp.empty_like(tanh)
    one = gates.dtype.type(1)

    def work(part: slice) -> None:
        slope, (i, _, g, o) = slopes[part], (gate[part, k] for k in range(4))
        xp.subtract(one, gate[part], out=slope)
        slope *= gate[part]  # s (1 - s) for the three sigmoids
        slope[:, 0] *= g
        slope[:, 1] *= cell[part]
        xp.multiply(g, g, out=slope[:, 2])
        xp.subtract(one, slope[:, 2], out=slope[:, 2])
        slope[:, 2] *= i
        slope[:, 3] *= tanh[part]
        square = xp.multiply(tanh[part], tanh[part])
        xp.subtract(one, square, out=square)
        xp.multiply(o, square, out=through[part])

    over_blocks(xp, work, rows, 4 * hidden)
    return slopes.reshape(steps, batch, 4, hidden), through.reshape(steps, batch, hidden)

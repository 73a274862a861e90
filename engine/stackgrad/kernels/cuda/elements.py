"""Elementwise kernels on arrays: activations, dropout, a layer of LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.cuda.launch import each, packed
from stackgrad.kernels.cuda.source import accumulator
from stackgrad.kernels.cuda.upload import Refresh, upload


class Activation:
    """A function of each element with a kernel forward and one backward."""

    takes_half = True

    def __init__(self, name: str) -> None:
        self.name = name

    def forward(
        self,
        xp: ArrayModule,
        x: Array,
        *,
        keep: bool,  # noqa: ARG002
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the output; backward computes from x again."""
        whole = packed(xp, x)
        y = xp.empty_like(whole)
        each(xp, f"{self.name}_forward", x.dtype, x.size, (whole, y, x.size))
        return (y,), None

    def backward(
        self,
        xp: ArrayModule,
        residue: Any,  # noqa: ARG002
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],  # noqa: ARG002
    ) -> list[Array | None]:
        """Return the gradient of x."""
        x = packed(xp, arrays[0])
        dx = xp.empty_like(x)
        values = (x, packed(xp, gradients[0]), dx, x.size)
        each(xp, f"{self.name}_backward", x.dtype, x.size, values)
        return [dx]


gelu_tanh, gelu, silu = Activation("gelu_tanh"), Activation("gelu"), Activation("silu")


def philox_words(
    xp: ArrayModule, seed: int, counter: int, count: int, refresh: Refresh | None = None
) -> Array:
    """Return `count` uint64 of a draw: what `random.raw` gives on the CPU."""
    out = xp.empty(count, "uint64")
    state = upload(xp, [seed, counter], "uint64", refresh)
    each(xp, "philox_words", xp.dtype("float32"), count, (out, state, count))
    return out


def dropout(xp: ArrayModule, x: Array, p: float, state: Array) -> Array:
    """Return x / (1 - p) where the draw of `state` (seed, counter) is at least p, else 0."""
    whole = packed(xp, x)
    y, scale = xp.empty_like(whole), 1 / (1 - p) if p < 1 else 0.0
    each(xp, "dropout", x.dtype, x.size, (whole, y, state, x.size, p, scale))
    return y


class LSTMLayer:
    """x (time, batch, in), h and c (batch, hidden) to y (time, batch, hidden) and the last h and c."""

    takes_half = True

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
        steps, batch, width = x.shape
        hidden = h.shape[1]
        flat = packed(xp, x).reshape(steps * batch, width)
        gates = packed(xp, xp.matmul(flat, w_ih.T)).reshape(steps, batch, 4 * hidden)
        bias = None if b_ih is None or b_hh is None else packed(xp, b_ih + b_hh)
        y, squashed = (xp.empty((steps, batch, hidden), x.dtype) for _ in range(2))
        cells = xp.empty((steps + 1, batch, hidden), x.dtype)
        cells[0] = c
        product = xp.empty((batch, 4 * hidden), x.dtype)
        for t in range(steps):
            xp.matmul(h if t == 0 else y[t - 1], w_hh.T, out=product)
            values = (
                gates[t],
                product,
                bias,
                cells[t],
                cells[t + 1],
                squashed[t],
                y[t],
                batch,
                hidden,
            )
            each(xp, "lstm_cell_forward", x.dtype, batch * hidden, values)
        last = h.copy() if not steps else y[-1].copy()
        return (y, last, cells[steps].copy()), (gates, cells, squashed, y) if keep else None

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],
    ) -> list[Array | None]:
        """Return the gradients of x, h, c, w_ih, w_hh, b_ih, b_hh."""
        gates, cells, squashed, y = residue
        x, h, _, w_ih, w_hh, _, _ = arrays
        steps, batch, hidden = y.shape
        kind = y.dtype
        dy, last_h, last_c = (None if g is None else packed(xp, g) for g in gradients)
        dh = xp.zeros((batch, hidden), kind) if last_h is None else last_h.copy()
        sums = accumulator(kind)
        dc = xp.zeros((batch, hidden), sums) if last_c is None else last_c.astype(sums)
        slopes = xp.empty((steps, batch, 4 * hidden), kind)
        for t in range(steps - 1, -1, -1):
            above = None if dy is None else dy[t]
            values = (gates[t], cells[t], squashed[t], dh, above, dc, slopes[t], batch, hidden)
            each(xp, "lstm_cell_backward", kind, batch * hidden, values)
            xp.matmul(slopes[t], w_hh, out=dh)
        flat = slopes.reshape(steps * batch, 4 * hidden)
        before = xp.concatenate([h[None], y[:-1]]).reshape(steps * batch, hidden)
        inputs = packed(xp, x).reshape(steps * batch, -1)
        bias = flat.sum(0, dtype=sums).astype(kind) if needs[5] or needs[6] else None
        return [
            xp.matmul(flat, w_ih).reshape(x.shape) if needs[0] else None,
            dh if needs[1] else None,
            dc.astype(kind) if needs[2] else None,
            xp.matmul(flat.T, inputs) if needs[3] else None,
            xp.matmul(flat.T, before) if needs[4] else None,
            bias if needs[5] else None,
            bias.copy() if needs[6] and bias is not None else None,
        ]

"""A layer of LSTM over a whole sequence (Hochreiter and Schmidhuber, 1997; gates i, f, g, o).

The products with the input and all gradients of weights are single matrix products outside the
loop. All gates are one tanh, as sigmoid(x) = (tanh(x / 2) + 1) / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackgrad.arrays import Array, ArrayModule


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
        steps, batch, _ = x.shape
        hidden = h.shape[1]
        half = x.dtype.type(0.5)
        scale = xp.full(4 * hidden, half, x.dtype)
        scale[2 * hidden : 3 * hidden] = 1
        gates = (x.reshape(steps * batch, -1) @ (w_ih * scale[:, None]).T).reshape(
            steps, batch, 4 * hidden
        )
        if b_ih is not None and b_hh is not None:
            gates += (b_ih + b_hh) * scale
        recurrent = xp.ascontiguousarray((w_hh * scale[:, None]).T)
        y = xp.empty((steps, batch, hidden), x.dtype)
        cells = xp.empty((steps + 1, batch, hidden), x.dtype)
        squashed = xp.empty((steps, batch, hidden), x.dtype)
        cells[0] = c
        product, work = xp.empty((batch, 4 * hidden), x.dtype), xp.empty((batch, hidden), x.dtype)
        for t in range(steps):
            gate = gates[t]
            xp.matmul(h, recurrent, out=product)
            gate += product
            xp.tanh(gate, out=gate)
            for part in (gate[:, : 2 * hidden], gate[:, 3 * hidden :]):
                part *= half
                part += half
            i, f, g, o = (gate[:, k * hidden : (k + 1) * hidden] for k in range(4))
            xp.multiply(f, cells[t], out=cells[t + 1])
            xp.multiply(i, g, out=work)
            cells[t + 1] += work
            xp.tanh(cells[t + 1], out=squashed[t])
            h = xp.multiply(o, squashed[t], out=y[t])
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
        gates, cells, squashed, y = residue
        x, h0, _, w_ih, w_hh, b_ih, _ = arrays
        gy, gh, gc = gradients
        steps, batch, hidden = y.shape
        dgates = xp.empty_like(gates)
        dh = xp.zeros((batch, hidden), y.dtype) if gh is None else gh.copy()
        dc = xp.zeros((batch, hidden), y.dtype) if gc is None else gc.copy()
        work = xp.empty((batch, hidden), y.dtype)
        one = y.dtype.type(1)
        for t in range(steps - 1, -1, -1):
            if gy is not None:
                dh += gy[t]
            i, f, g, o = (gates[t, :, k * hidden : (k + 1) * hidden] for k in range(4))
            di, df, dg, do = (dgates[t, :, k * hidden : (k + 1) * hidden] for k in range(4))
            xp.multiply(dh, squashed[t], out=do)
            xp.multiply(squashed[t], squashed[t], out=work)  # dc += dh * o * (1 - tanh(c)^2)
            xp.subtract(one, work, out=work)
            work *= o
            work *= dh
            dc += work
            xp.multiply(dc, g, out=di)
            xp.multiply(dc, cells[t], out=df)
            xp.multiply(g, g, out=work)
            xp.subtract(one, work, out=work)
            work *= i
            xp.multiply(dc, work, out=dg)
            for gate, slope in ((i, di), (f, df), (o, do)):  # times s * (1 - s)
                xp.subtract(one, gate, out=work)
                work *= gate
                slope *= work
            dc *= f
            xp.matmul(dgates[t], w_hh, out=dh)
        flat = dgates.reshape(steps * batch, -1)
        before = xp.concatenate([h0[None], y[:-1]]).reshape(steps * batch, hidden)
        bias = flat.sum(0) if b_ih is not None and (needs[5] or needs[6]) else None
        return [
            (flat @ w_ih).reshape(x.shape) if needs[0] else None,
            dh if needs[1] else None,
            dc if needs[2] else None,
            flat.T @ x.reshape(steps * batch, -1) if needs[3] else None,
            flat.T @ before if needs[4] else None,
            bias if needs[5] else None,
            bias.copy() if needs[6] and bias is not None else None,
        ]

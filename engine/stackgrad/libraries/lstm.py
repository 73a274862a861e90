"""A layer of LSTM over a whole sequence by oneDNN, in float32 on the arrays of one thread.

x is (time, batch, in), h and c are (batch, hidden); weights and their gradients stand as PyTorch's,
(4 * hidden, in) and (4 * hidden, hidden) in the order i, f, g, o, which is oneDNN's as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_void_p
from typing import Any

import numpy as np

from stackgrad.arrays import Array
from stackgrad.libraries.onednn import library
from stackgrad.libraries.primitives import Memory, Operand, Primitive, cached, described, row_major
from stackgrad.libraries.primitives import thread as own_thread

_TRAINING, _INFERENCE, _BACKWARD, _LEFT_TO_RIGHT = 64, 96, 128, 1
_WEIGHTS, _SLOPE_WEIGHTS, _WORKSPACE = 131, 132, 135  # dnnl_query_t


def suits(*arrays: Array | None) -> bool:
    """Whether oneDNN is there and takes these arrays."""
    return (
        all(a is None or (a.dtype == np.float32 and a.size) for a in arrays)
        and library() is not None
    )


class _Layer:
    """The primitives of one layer for sequences of one length and one size of batch."""

    def __init__(self, steps: int, batch: int, width: int, hidden: int, train: bool) -> None:
        engine = own_thread().engine
        self.sequence, self.output = (steps, batch, width), (steps, batch, hidden)
        self.state = (1, 1, batch, hidden)
        self.weights = [(1, 1, size, 4, hidden) for size in (width, hidden)]
        gates = row_major((1, 1, 4, hidden))
        ends = row_major(self.sequence), *[row_major(self.state)] * 2
        outcome = row_major(self.output), *[row_major(self.state)] * 2
        chosen = [described(shape) for shape in self.weights]
        self.forward = Primitive(
            "dnnl_lstm_forward_primitive_desc_create",
            *(engine, _TRAINING if train else _INFERENCE, _LEFT_TO_RIGHT, *ends, *chosen),
            *(None, None, gates, *outcome, 0, None),
        )
        self.ends = [Memory(d) for d in ends]
        self.outcome = [Memory(d) for d in outcome]
        self.gates = Memory(gates)
        self.inputs = self._weights(self.forward, _WEIGHTS)
        if not train:
            return
        self.workspace = Memory(self.forward.wanted(_WORKSPACE))
        self.backward = Primitive(
            "dnnl_lstm_backward_primitive_desc_create",
            *(engine, _BACKWARD, _LEFT_TO_RIGHT, *ends, *chosen, None, None, gates, *outcome),
            *(*ends, *chosen, None, None, gates, *outcome, 0, self.forward.description, None),
        )
        self.again = self._weights(self.backward, _WEIGHTS)
        self.slopes = self._weights(self.backward, _SLOPE_WEIGHTS, result=True)
        self.slope_ends = [Memory(d) for d in ends]
        self.slope_outcome = [Memory(d) for d in outcome]
        self.slope_gates = Memory(gates)

    def _weights(self, primitive: Primitive, what: int, *, result: bool = False) -> list[Operand]:
        """Return the operands of both weights, which lie as (gate, hidden, in) outside."""
        found = []
        for number, shape in enumerate(self.weights):
            size, hidden = shape[2], shape[4]
            steps = (4 * hidden * size, 4 * hidden * size, 1, hidden * size, size)
            outside: c_void_p = described(shape, steps)
            inside = primitive.wanted(what, number)
            found.append(Operand(outside, inside, result=result))
        return found


def _layer(x: Array, hidden: int, train: bool) -> _Layer:
    steps, batch, width = x.shape
    key = ("lstm", *x.shape, hidden, train)
    return cached(key, lambda: _Layer(steps, batch, width, hidden, train))


def forward(arrays: Sequence[Array], *, keep: bool) -> tuple[tuple[Array, Array, Array], Any]:
    """Return y, h and c and, if `keep`, what `backward` wants, of x, h, c, w_ih, w_hh and the bias, row-major."""
    x, h, c, w_ih, w_hh, bias = arrays
    made = _layer(x, h.shape[1], keep)
    y = np.empty((*x.shape[:2], h.shape[1]), x.dtype)
    last = np.empty_like(h), np.empty_like(c)
    rooms = [operand.enter(w) for operand, w in zip(made.inputs, (w_ih, w_hh), strict=True)]
    memories = {n: m.at(a) for n, m, a in zip((1, 2, 3), made.ends, (x, h, c), strict=True)}
    memories |= {n: m.at(a) for n, m, a in zip((17, 18, 19), made.outcome, (y, *last), strict=True)}
    memories |= {33: made.inputs[0].inner, 34: made.inputs[1].inner, 41: made.gates.at(bias)}
    workspace = None
    if keep:
        workspace = made.workspace.buffer()
        memories[64] = made.workspace
    made.forward.run(memories)
    del rooms
    return (y, *last), (workspace, y, *last) if keep else None


def backward(
    residue: Any, arrays: Sequence[Array], gradients: Sequence[Array]
) -> tuple[Array, ...]:
    """Return the gradients of x, h, c, w_ih, w_hh and the bias, those of y, h and c being given."""
    workspace, y, *last = residue
    x, h, c, w_ih, w_hh, bias = arrays
    made = _layer(x, h.shape[1], True)
    slopes = [np.empty_like(a) for a in (x, h, c, w_ih, w_hh)]
    total = np.zeros_like(bias)  # oneDNN adds to the gradients of weights and bias
    rooms = [operand.enter(w) for operand, w in zip(made.again, (w_ih, w_hh), strict=True)]
    for operand, slope in zip(made.slopes, slopes[3:], strict=True):
        room = operand.enter(slope)
        (slope if room is None else room)[...] = 0
        rooms.append(room)
    given = {n: m.at(a) for n, m, a in zip((1, 2, 3), made.ends, (x, h, c), strict=True)}
    given |= {n: m.at(a) for n, m, a in zip((17, 18, 19), made.outcome, (y, *last), strict=True)}
    given |= {33: made.again[0].inner, 34: made.again[1].inner, 41: made.gates.at(bias)}
    given[64] = made.workspace.at(workspace)
    given |= {
        n: m.at(a) for n, m, a in zip((145, 146, 147), made.slope_outcome, gradients, strict=True)
    }
    given |= {
        n: m.at(a) for n, m, a in zip((129, 130, 131), made.slope_ends, slopes[:3], strict=True)
    }
    given |= {161: made.slopes[0].inner, 162: made.slopes[1].inner, 169: made.slope_gates.at(total)}
    made.backward.run(given)
    for operand in made.slopes:
        operand.leave()
    del rooms
    return (*slopes, total)

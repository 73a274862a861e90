"""Recurrent networks: layers over time, stacked and in both directions.

Gates stand in PyTorch's order: i, f, g, o for LSTM, r, z, n for GRU. Weights of one layer and
direction are w_ih (gates * hidden, in), w_hh (gates * hidden, hidden) and, with biases, b_ih, b_hh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stackgrad.kernels.cuda import elements
from stackgrad.kernels.recurrent import LSTMLayer
from stackgrad.nn.functional.regularization import dropout
from stackgrad.ops.fused import Fused
from stackgrad.ops.joining import cat, stack
from stackgrad.ops.linalg import linear
from stackgrad.ops.table import publish
from stackgrad.tensor import Tensor

State = tuple[Tensor, ...]
Weights = Sequence[Any]


def lstm_cell(
    x: Tensor,
    state: State,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    w_hr: Tensor | None = None,
) -> State:
    """Return h and c after one step of x (batch, in); `w_hr` projects h."""
    h, c = state
    i, f, g, o = (linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else linear(h, w_hr)), c


def gru_cell(
    x: Tensor,
    hidden: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Return h after one step of x (batch, in)."""
    xr, xz, xn = linear(x, w_ih, b_ih).chunk(3, -1)
    hr, hz, hn = linear(hidden, w_hh, b_hh).chunk(3, -1)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    n = (xn + r * hn).tanh()
    return (1 - z) * n + z * hidden


def rnn_tanh_cell(
    x: Tensor,
    hidden: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Return tanh(x w_ih^T + h w_hh^T + biases)."""
    return (linear(x, w_ih, b_ih) + linear(hidden, w_hh, b_hh)).tanh()


def rnn_relu_cell(
    x: Tensor,
    hidden: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Return relu(x w_ih^T + h w_hh^T + biases)."""
    return (linear(x, w_ih, b_ih) + linear(hidden, w_hh, b_hh)).relu()


def _lstm_formula(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    w_hr: Tensor | None = None,
) -> State:
    outputs = []
    for step in x.unbind(0):
        h, c = lstm_cell(step, (h, c), w_ih, w_hh, b_ih, b_hh, w_hr)
        outputs.append(h)
    return stack(outputs), h, c


_lstm_layer: Fused = Fused("lstm_layer", _lstm_formula, cpu=LSTMLayer, cuda=elements.LSTMLayer)


def _lstm_over_time(x: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    *others, w_hr = weights
    if w_hr is None:
        y, h, c = _lstm_layer.apply(x, *state, *others)
    else:
        y, h, c = _lstm_formula(
            x, state[0], state[1], others[0], others[1], others[2], others[3], w_hr
        )
    return y, (h, c)


def _over_time(cell: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, State]]:
    def run(x: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        hidden, outputs = state[0], []
        for step in x.unbind(0):
            hidden = cell(step, hidden, *weights[:4])
            outputs.append(hidden)
        return stack(outputs), (hidden,)

    return run


_LAYERS = {
    "lstm": _lstm_over_time,
    "gru": _over_time(gru_cell),
    "rnn_tanh": _over_time(rnn_tanh_cell),
    "rnn_relu": _over_time(rnn_relu_cell),
}


def run_layers(
    kind: str,
    x: Tensor,
    state: State,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    p: float,
    train: bool,
    bidirectional: bool,
    lengths: Sequence[int] | None = None,
) -> tuple[Tensor, State]:
    """Return the output (time, batch, directions * hidden) and the last states (layers * directions, batch, hidden).

    `params` are the weights layer by layer, forwards before backwards, an LSTM's projection last.
    With `lengths` (descending) the steps of a sample past its length change nothing.
    """
    directions = 2 if bidirectional else 1
    per = len(params) // (num_layers * directions)
    last: list[State] = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            number = layer * directions + direction
            weights: list[Any] = list(params[number * per : (number + 1) * per])
            weights[2:2] = [] if has_biases else [None, None]
            weights += [None] * (5 - len(weights))  # no projection
            start = tuple(s[number] for s in state)
            if lengths is None:
                y, end = _one_way(kind, x, start, weights, backwards=direction == 1)
            else:
                y, end = _by_length(kind, x, start, weights, lengths, backwards=direction == 1)
            outputs.append(y)
            last.append(end)
        x = outputs[0] if directions == 1 else cat(outputs, -1)
        if p and train and layer < num_layers - 1:
            x = dropout(x, p)
    return x, tuple(stack(parts) for parts in zip(*last, strict=True))


def _one_way(
    kind: str, x: Tensor, state: State, weights: Weights, *, backwards: bool
) -> tuple[Tensor, State]:
    if not backwards:
        return _LAYERS[kind](x, state, weights)
    y, end = _LAYERS[kind](x.flip(0), state, weights)
    return y.flip(0), end


def _by_length(
    kind: str, x: Tensor, state: State, weights: Weights, lengths: Sequence[int], *, backwards: bool
) -> tuple[Tensor, State]:
    """Run samples of equal length together."""
    outputs, ends, start = [], [], 0
    from stackgrad.nn.functional.padding import pad

    while start < len(lengths):
        stop = start
        while stop < len(lengths) and lengths[stop] == lengths[start]:
            stop += 1
        part = x[: lengths[start], start:stop]
        y, end = _one_way(
            kind, part, tuple(s[start:stop] for s in state), weights, backwards=backwards
        )
        outputs.append(pad(y, (0, 0, 0, 0, 0, x.array.shape[0] - lengths[start])))
        ends.append(end)
        start = stop
    return cat(outputs, 1), tuple(cat(parts, 0) for parts in zip(*ends, strict=True))


def _publish(kind: str) -> Callable[..., Any]:
    def network(
        input: Tensor,
        hx: Any,
        params: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool = False,
    ) -> tuple[Tensor, ...]:
        """Run a stack of layers: the output and the last states."""
        x = input.transpose(0, 1) if batch_first else input
        state = tuple(hx) if kind == "lstm" else (hx,)
        y, last = run_layers(
            kind, x, state, params, has_biases, num_layers, dropout, train, bidirectional
        )
        return (y.transpose(0, 1) if batch_first else y, *last)

    return publish(kind, network, method=False)


lstm, gru, rnn_tanh, rnn_relu = (_publish(kind) for kind in ("lstm", "gru", "rnn_tanh", "rnn_relu"))
for _cell in (lstm_cell, gru_cell, rnn_tanh_cell, rnn_relu_cell):
    publish(_cell.__name__, _cell, method=False)

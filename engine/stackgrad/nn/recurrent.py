"""Recurrent layers and cells."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from stackgrad.nn import init
from stackgrad.nn.functional import recurrent as F  # noqa: N812
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.ops.creation import empty
from stackgrad.ops.joining import cat
from stackgrad.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


class PackedSequence(NamedTuple):
    """Sequences of several lengths, padded; `lengths` fall, `sorted_indices` tell the old order."""

    data: Tensor  # (time, batch, features)
    lengths: list[int]
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class _Recurrent(Module):
    """What all recurrent layers share; weights are named as in PyTorch (`weight_ih_l0_reverse`)."""

    kind = ""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional = bidirectional
        self._weight_names: list[str] = []
        rows = _GATES[self.kind] * hidden_size
        for layer in range(num_layers):
            for ending in ("", "_reverse") if bidirectional else ("",):
                width = input_size if not layer else hidden_size * (2 if bidirectional else 1)
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (rows, width),
                    "weight_hh": (rows, hidden_size),
                }
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                for name, shape in shapes.items():
                    full = f"{name}_l{layer}{ending}"
                    self._weight_names.append(full)
                    made = empty(*shape, device=device, dtype=dtype)
                    self.register_parameter(full, Parameter(made))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights from within 1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: there is no flat copy of the weights to keep."""

    def extra_repr(self) -> str:
        """Return the settings that are not the default."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        for name, usual in (("num_layers", 1), ("bias", True), ("batch_first", False)):
            if getattr(self, name) != usual:
                parts.append(f"{name}={getattr(self, name)}")
        if self.dropout:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional:
            parts.append("bidirectional=True")
        return ", ".join(parts)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Map (time, batch, in), or a packed sequence, and states to the output and the last states.

        States are (layers * directions, batch, hidden), a pair of them for LSTM; zeros if not given.
        """
        packed = input if isinstance(input, PackedSequence) else None
        x = input if packed is None else packed.data
        lone = x.array.ndim == 2
        if lone:
            x = x.unsqueeze(0 if self.batch_first else 1)
        if self.batch_first and packed is None:
            x = x.transpose(0, 1)
        if x.array.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, "
                f"got {x.array.shape[-1]}"
            )
        state = self._start(x, hx, lone)
        if packed is not None and packed.sorted_indices is not None and hx is not None:
            state = tuple(s.index_select(1, packed.sorted_indices) for s in state)
        weights = [getattr(self, name) for name in self._weight_names]
        lengths = None if packed is None else packed.lengths
        y, last = F.run_layers(
            self.kind,
            x,
            state,
            weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            lengths,
        )
        if packed is not None:
            if packed.unsorted_indices is not None:
                last = tuple(s.index_select(1, packed.unsorted_indices) for s in last)
            output = packed._replace(data=y)
            return output, last if self.kind == "lstm" else last[0]
        if self.batch_first:
            y = y.transpose(0, 1)
        if lone:
            y = y.squeeze(0 if self.batch_first else 1)
            last = tuple(s.squeeze(1) for s in last)
        return y, last if self.kind == "lstm" else last[0]

    def _start(self, x: Tensor, hx: Any, lone: bool) -> tuple[Tensor, ...]:
        count = 2 if self.kind == "lstm" else 1
        shape = (self.num_layers * (2 if self.bidirectional else 1), x.array.shape[1])
        if hx is None:
            return tuple(x.new_zeros(*shape, self.hidden_size) for _ in range(count))
        given = tuple(hx) if count == 2 else (hx,)
        given = tuple(s.unsqueeze(1) for s in given) if lone else given
        for state in given:
            if state.array.shape != (*shape, self.hidden_size):
                raise RuntimeError(
                    f"Expected hidden size {(*shape, self.hidden_size)}, got {list(state.shape)}"
                )
        return given


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997)."""

    kind = "lstm"

    def __init__(self, *args: Any, proj_size: int = 0, **options: Any) -> None:
        if proj_size:
            raise NotImplementedError("LSTM(proj_size=) is not implemented in stackgrad")
        super().__init__(*args, **options)


class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al., 2014)."""

    kind = "gru"


class RNN(_Recurrent):
    """The simple recurrent network (Elman, 1990), with tanh or ReLU."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **options: Any,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'."
            )
        self.__dict__["kind"] = f"rnn_{nonlinearity}"
        super().__init__(input_size, hidden_size, num_layers, *args, **options)


class _Cell(Module):
    kind = ""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = _GATES[self.kind] * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
        }
        if bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        for name, shape in shapes.items():
            self.register_parameter(name, Parameter(empty(*shape, device=device, dtype=dtype)))
        if not bias:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        for parameter in self.parameters():
            init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.input_size}, {self.hidden_size}"


class LSTMCell(_Cell):
    """One step of LSTM."""

    kind = "lstm"

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, ...]:
        """Map (batch, in) and (h, c) to the next (h, c)."""
        zero = input.new_zeros(*input.array.shape[:-1], self.hidden_size)
        return F.lstm_cell(input, (zero, zero) if hx is None else tuple(hx), *self._weights())


class GRUCell(_Cell):
    """One step of GRU."""

    kind = "gru"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Map (batch, in) and h to the next h."""
        zero = input.new_zeros(*input.array.shape[:-1], self.hidden_size)
        return F.gru_cell(input, zero if hx is None else hx, *self._weights())


class RNNCell(_Cell):
    """One step of the simple recurrent network."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.__dict__["kind"] = f"rnn_{nonlinearity}"
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Map (batch, in) and h to the next h."""
        zero = input.new_zeros(*input.array.shape[:-1], self.hidden_size)
        cell = F.rnn_tanh_cell if self.nonlinearity == "tanh" else F.rnn_relu_cell
        return cell(input, zero if hx is None else hx, *self._weights())


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Return padded sequences with their lengths, the longest first."""
    x = input.transpose(0, 1) if batch_first else input
    counts = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    order = sorted(range(len(counts)), key=lambda i: -counts[i])
    if enforce_sorted:
        if counts != sorted(counts, reverse=True):
            raise RuntimeError("`lengths` array must be sorted in decreasing order")
        return PackedSequence(x[: counts[0]], counts, None, None)
    back = sorted(range(len(order)), key=order.__getitem__)
    there, home = x.new_tensor(order).long(), x.new_tensor(back).long()
    ranked = [counts[i] for i in order]
    return PackedSequence(x[: ranked[0]].index_select(1, there), ranked, there, home)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the padded sequences in their old order, and their lengths."""
    from stackgrad.nn.functional.padding import pad
    from stackgrad.ops.creation import arange, tensor

    x, lengths = sequence.data, tensor(sequence.lengths)
    if total_length is not None:
        x = pad(x, (0, 0, 0, 0, 0, total_length - len(x)), value=padding_value)
    if padding_value:
        past = arange(len(x)).unsqueeze(1) >= lengths
        x = x.masked_fill(past.unsqueeze(-1), padding_value)
    if sequence.unsorted_indices is not None:
        x = x.index_select(1, sequence.unsorted_indices)
        lengths = lengths.index_select(0, sequence.unsorted_indices)
    return (x.transpose(0, 1) if batch_first else x), lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Return sequences (length, ...) as one tensor (time, batch, ...), the shorter ones padded."""
    from stackgrad.nn.functional.padding import pad

    longest = max(len(s) for s in sequences)
    padded = []
    for s in sequences:
        missing = longest - len(s)
        ends = (0, missing) if padding_side == "right" else (missing, 0)
        padded.append(pad(s, (0, 0) * (s.array.ndim - 1) + ends, value=padding_value).unsqueeze(1))
    joined = cat(padded, 1)
    return joined.transpose(0, 1) if batch_first else joined

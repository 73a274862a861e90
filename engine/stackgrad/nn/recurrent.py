"""Recurrent layers and cells."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.nn import init
from stackgrad.nn.functional import recurrent as F  # noqa: N812
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.nn.utils.rnn import PackedSequence, lengths_of, packed, padded
from stackgrad.ops.creation import empty
from stackgrad.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


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
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1]")
        if proj_size and self.kind != "lstm":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if proj_size < 0 or proj_size >= hidden_size > 0:
            raise ValueError("proj_size has to be 0 (off) or between 1 and hidden_size - 1")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._weight_names: list[str] = []
        output = proj_size or hidden_size
        rows = _GATES[self.kind] * hidden_size
        for layer in range(num_layers):
            for ending in ("", "_reverse") if bidirectional else ("",):
                width = input_size if not layer else output * (2 if bidirectional else 1)
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (rows, width),
                    "weight_hh": (rows, output),
                }
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
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
        if self.proj_size:
            parts.append(f"proj_size={self.proj_size}")
        return ", ".join(parts)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Map (time, batch, in), or a packed sequence, and states to the output and the last states.

        States are (layers * directions, batch, hidden), a pair of them for LSTM; zeros if not given.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        lone = input.array.ndim == 2
        if input.array.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input, got {input.array.ndim}D")
        x = input.unsqueeze(0 if self.batch_first else 1) if lone else input
        x = x.transpose(0, 1) if self.batch_first else x
        y, last = self._run(x, self._start(x, hx, lone), None)
        y = y.transpose(0, 1) if self.batch_first else y
        if lone:
            y, last = y.squeeze(0 if self.batch_first else 1), tuple(s.squeeze(1) for s in last)
        return y, last if self.kind == "lstm" else last[0]

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[Any, Any]:
        x = padded(input)
        state = self._start(x, hx, lone=False)
        if input.sorted_indices is not None and hx is not None:
            state = tuple(s.index_select(1, input.sorted_indices) for s in state)
        y, last = self._run(x, state, lengths_of(input.batch_sizes))
        if input.unsorted_indices is not None:
            last = tuple(s.index_select(1, input.unsorted_indices) for s in last)
        output = input._replace(data=packed(y, input.batch_sizes))
        return output, last if self.kind == "lstm" else last[0]

    def _run(
        self, x: Tensor, state: tuple[Tensor, ...], lengths: list[int] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        if x.array.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, "
                f"got {x.array.shape[-1]}"
            )
        return F.run_layers(
            self.kind,
            x,
            state,
            [getattr(self, name) for name in self._weight_names],
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            lengths,
        )

    def _start(self, x: Tensor, hx: Any, lone: bool) -> tuple[Tensor, ...]:
        shape = (self.num_layers * (2 if self.bidirectional else 1), x.array.shape[1])
        widths = [self.proj_size or self.hidden_size]
        if self.kind == "lstm":
            widths.append(self.hidden_size)
        if hx is None:
            return tuple(x.new_zeros(*shape, width) for width in widths)
        given = tuple(hx) if self.kind == "lstm" else (hx,)
        given = tuple(s.unsqueeze(1) for s in given) if lone else given
        for state, width in zip(given, widths, strict=True):
            if state.array.shape != (*shape, width):
                raise RuntimeError(
                    f"Expected hidden size {(*shape, width)}, got {list(state.shape)}"
                )
        return given


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); `proj_size` projects h (Sak et al., 2014)."""

    kind = "lstm"


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
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'."
            )
        self.__dict__["kind"] = f"rnn_{nonlinearity}"
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity


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

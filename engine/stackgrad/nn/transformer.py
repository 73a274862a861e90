"""The transformer (Vaswani et al., 2017): layers, stacks of them, encoder and decoder."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from stackgrad.nn import functional as F  # noqa: N812  (its name everywhere)
from stackgrad.nn import init
from stackgrad.nn.attention import MultiheadAttention
from stackgrad.nn.container import ModuleList
from stackgrad.nn.linear import Linear
from stackgrad.nn.module import Module
from stackgrad.nn.normalization import LayerNorm
from stackgrad.nn.simple import LAYERS
from stackgrad.ops.creation import full
from stackgrad.tensor import Tensor

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    if callable(given):
        return given
    named: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
    if given not in named:
        raise RuntimeError(f"activation should be relu/gelu, not {given}")
    return named[given]


class _Layer(Module):
    """The parts that encoder and decoder layers share."""

    def __init__(  # noqa: PLR0917
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        attention = {"batch_first": batch_first, "bias": bias, **options}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, **attention)
        if isinstance(self, TransformerDecoderLayer):
            self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, **attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **options)
        self.dropout = LAYERS["Dropout"](dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **options)
        for number in range(1, 4 if isinstance(self, TransformerDecoderLayer) else 3):
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **options)
            self.add_module(f"norm{number}", norm)
            self.add_module(f"dropout{number}", LAYERS["Dropout"](dropout))
        self.norm_first = norm_first
        self.activation = _activation(activation)

    def _feed_forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return found

    @staticmethod
    def _attend(
        attention: Module,
        x: Tensor,
        memory: Tensor,
        padding: Tensor | None,
        mask: Tensor | None,
        is_causal: bool,
    ) -> Tensor:
        found: Tensor = attention(
            x, memory, memory, padding, need_weights=False, attn_mask=mask, is_causal=is_causal
        )[0]
        return found

    def _apply(self, x: Tensor, number: int, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Add a part to the residual stream, normalised before or after."""
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        found: Tensor
        found = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return found


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward network, each with a residual connection and a norm."""

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Map (length, batch, d_model), or batch first, to the same shape."""

        def attend(x: Tensor) -> Tensor:
            return self._attend(self.self_attn, x, x, src_key_padding_mask, src_mask, is_causal)

        return self._apply(self._apply(src, 1, attend), 2, self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the memory, and a feed-forward network."""

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Map (length, batch, d_model) with a memory to the same shape."""

        def attend(x: Tensor) -> Tensor:
            return self._attend(self.self_attn, x, x, tgt_key_padding_mask, tgt_mask, tgt_is_causal)

        def look_up(x: Tensor) -> Tensor:
            return self._attend(
                self.multihead_attn,
                x,
                memory,
                memory_key_padding_mask,
                memory_mask,
                memory_is_causal,
            )

        x = self._apply(self._apply(tgt, 1, attend), 2, look_up)
        return self._apply(x, 3, self._feed_forward)


class TransformerEncoder(Module):
    """A stack of encoder layers.

    `enable_nested_tensor` and `mask_check` choose PyTorch's fast path; the result is the same.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Map (length, batch, d_model), or batch first, to the same shape."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal=bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """A stack of decoder layers."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Map (length, batch, d_model) with a memory to the same shape."""
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class Transformer(Module):
    """Encoder and decoder."""

    def __init__(  # noqa: PLR0917
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shared = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first)
        options = {"device": device, "dtype": dtype}
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, **options)

        encoder = TransformerEncoderLayer(d_model, nhead, *shared, bias, **options)
        decoder = TransformerDecoderLayer(d_model, nhead, *shared, bias, **options)
        self.encoder = custom_encoder or TransformerEncoder(encoder, num_encoder_layers, norm())
        self.decoder = custom_decoder or TransformerDecoder(decoder, num_decoder_layers, norm())
        for parameter in self.parameters():
            if parameter.array.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(  # noqa: PLR0917
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Map a source and a target to the target's shape."""
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        found: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return found

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return a mask that hides what comes later: -inf above the diagonal."""
        return full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)

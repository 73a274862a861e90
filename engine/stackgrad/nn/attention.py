"""Multi-head attention and the transformer built on it (Vaswani et al., 2017)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from stackgrad.nn import functional as F  # noqa: N812  (its name everywhere)
from stackgrad.nn import init
from stackgrad.nn.container import ModuleList
from stackgrad.nn.linear import Linear
from stackgrad.nn.module import Module
from stackgrad.nn.normalization import LayerNorm
from stackgrad.nn.parameter import Parameter
from stackgrad.nn.simple import LAYERS
from stackgrad.ops.creation import empty, full
from stackgrad.tensor import Tensor

__all__ = [
    "MultiheadAttention",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


class MultiheadAttention(Module):
    """Attention of `num_heads` heads, each over embed_dim / num_heads features."""

    def __init__(  # noqa: PLR0917
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim must be divisible by num_heads")
        if add_bias_kv or add_zero_attn:
            raise NotImplementedError(
                "MultiheadAttention(add_bias_kv=, add_zero_attn=) are not implemented in stackgrad"
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.batch_first = batch_first
        widths = (embed_dim, kdim or embed_dim, vdim or embed_dim)
        options = {"device": device, "dtype": dtype}
        self._same_widths = len(set(widths)) == 1
        if self._same_widths:
            self.in_proj_weight = Parameter(empty(3 * embed_dim, embed_dim, **options))
        else:
            for name, width in zip("qkv", widths, strict=True):
                weight = Parameter(empty(embed_dim, width, **options))
                self.register_parameter(f"{name}_proj_weight", weight)
        made = Parameter(full((3 * embed_dim,), 0.0, **options)) if bias else None
        self.register_parameter("in_proj_bias", made)
        self.out_proj = Linear(embed_dim, embed_dim, bias, **options)
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("weight"):
                init.xavier_uniform_(parameter)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def _projections(self) -> list[Any]:
        weights = (
            self.in_proj_weight.chunk(3)
            if self._same_widths
            else (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        )
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return list(zip(weights, biases, strict=True))

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,  # noqa: ARG002  (a hint that the mask is causal; the mask decides)
    ) -> tuple[Tensor, Tensor | None]:
        """Map (length, batch, dim), or batch first, to the same shape, and return the weights if asked.

        True in a boolean mask hides; any other mask is added to the scores.
        """
        lone = query.array.ndim == 2
        inputs = [query, key, value]
        if lone:
            inputs = [x.unsqueeze(1) for x in inputs]
        elif self.batch_first:
            inputs = [x.transpose(0, 1) for x in inputs]
        heads, width = self.num_heads, self.embed_dim // self.num_heads
        q, k, v = (
            F.linear(x, w, b).reshape(x.array.shape[0], -1, heads, width).permute(1, 2, 0, 3)
            for x, (w, b) in zip(inputs, self._projections(), strict=True)
        )
        mask = _joined_mask(q, k, attn_mask, key_padding_mask)
        p = self.dropout if self.training else 0.0
        if need_weights:
            scores = (q / math.sqrt(width)) @ k.transpose(-2, -1)
            weights = F.softmax(scores if mask is None else scores + mask, -1)
            mixed = F.dropout(weights, p) @ v
        else:
            weights = None
            mixed = F.scaled_dot_product_attention(q, k, v, mask, p)
        length, batch = inputs[0].array.shape[:2]
        out = self.out_proj(mixed.permute(2, 0, 1, 3).reshape(length, batch, self.embed_dim))
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if lone:
            return out.squeeze(1), None if weights is None else weights.squeeze(0)
        return (out.transpose(0, 1) if self.batch_first else out), weights


def _joined_mask(
    q: Tensor, k: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None
) -> Tensor | None:
    """Return both masks as one to be added, (batch, heads, queries, keys) or less."""
    found: Tensor | None = None
    if attn_mask is not None:
        found = _additive(attn_mask, q)
        if found.array.ndim == 3:
            found = found.reshape(q.array.shape[0], -1, *found.array.shape[1:])
    if key_padding_mask is not None:
        padding = _additive(key_padding_mask, q).reshape(-1, 1, 1, k.array.shape[2])
        found = padding if found is None else found + padding
    return found


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    if mask.array.dtype != bool:
        return mask
    return like.new_zeros(mask.array.shape).masked_fill(mask, -math.inf)


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
        is_causal: bool = False,  # noqa: ARG002  (a hint; the mask decides)
    ) -> Tensor:
        """Map (length, batch, d_model), or batch first, to the same shape."""

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(  # type: ignore[no-any-return]
                x, x, x, src_key_padding_mask, need_weights=False, attn_mask=src_mask
            )[0]

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
        tgt_is_causal: bool = False,  # noqa: ARG002  (a hint; the mask decides)
        memory_is_causal: bool = False,  # noqa: ARG002
    ) -> Tensor:
        """Map (length, batch, d_model) with a memory to the same shape."""

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(  # type: ignore[no-any-return]
                x, x, x, tgt_key_padding_mask, need_weights=False, attn_mask=tgt_mask
            )[0]

        def look_up(x: Tensor) -> Tensor:
            return self.multihead_attn(  # type: ignore[no-any-return]
                x,
                memory,
                memory,
                memory_key_padding_mask,
                need_weights=False,
                attn_mask=memory_mask,
            )[0]

        x = self._apply(self._apply(tgt, 1, attend), 2, look_up)
        return self._apply(x, 3, self._feed_forward)


class _Stack(Module):
    def __init__(
        self, layer: Module, num_layers: int, norm: Module | None = None, **_: Any
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm


class TransformerEncoder(_Stack):
    """A stack of encoder layers. PyTorch's `enable_nested_tensor` changes no result and is not needed."""

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,  # noqa: ARG002  (a hint; the mask decides)
    ) -> Tensor:
        """Map (length, batch, d_model), or batch first, to the same shape."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(_Stack):
    """A stack of decoder layers."""

    def forward(self, tgt: Tensor, memory: Tensor, *masks: Any, **named: Any) -> Tensor:
        """Map (length, batch, d_model) with a memory to the same shape."""
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, **named)
        return tgt if self.norm is None else self.norm(tgt)


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

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """Map a source and a target to the target's shape."""
        memory = self.encoder(src, src_mask, src_key_padding_mask)
        found: Tensor = self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        )
        return found

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return a mask that hides what comes later: -inf above the diagonal."""
        return full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)

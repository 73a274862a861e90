"""Multi-head attention as a function of its weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from stackgrad.nn.functional.activation import softmax
from stackgrad.nn.functional.attention import scaled_dot_product_attention
from stackgrad.nn.functional.regularization import dropout
from stackgrad.ops.joining import cat
from stackgrad.ops.linalg import linear
from stackgrad.tensor import Tensor

__all__ = ["multi_head_attention_forward"]


def multi_head_attention_forward(  # noqa: PLR0917
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Map (length, batch, dim) to the same shape; the weights are (batch, [heads,] queries, keys).

    `static_k`, `static_v` are keys and values (batch * heads, keys, width) that take the place of the
    projected ones. `is_causal` is a hint that `attn_mask` is the causal mask; the mask decides.
    """
    lone = query.array.ndim == 2
    if lone:
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, dim = query.array.shape
    if dim != embed_dim_to_check:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {dim}"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if use_separate_proj_weight:
        weights: Sequence[Any] = (q_proj_weight, k_proj_weight, v_proj_weight)
    else:
        weights = tuple(in_proj_weight.chunk(3)) if in_proj_weight is not None else ()
    biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
    q, k, v = (
        linear(x, weight, bias)
        for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
    )
    if bias_k is not None and bias_v is not None:
        k = cat([k, bias_k.expand(1, batch, dim)])
        v = cat([v, bias_v.expand(1, batch, dim)])
    q, k, v = (_by_head(x, num_heads) for x in (q, k, v))
    k, v = (
        own if given is None else given.reshape(batch, num_heads, *given.array.shape[1:])
        for own, given in ((k, static_k), (v, static_v))
    )
    if add_zero_attn:
        k, v = (cat([x, x.new_zeros(batch, num_heads, 1, x.array.shape[-1])], 2) for x in (k, v))
    mask = _joined_mask(q, k, attn_mask, key_padding_mask)
    p = dropout_p if training else 0.0
    if need_weights:
        scores = (q / math.sqrt(q.array.shape[-1])) @ k.transpose(-2, -1)
        shares = dropout(softmax(scores if mask is None else scores + mask, -1), p)
        mixed = shares @ v
        shares = shares.mean(1) if average_attn_weights else shares
    else:
        shares = None
        mixed = scaled_dot_product_attention(q, k, v, mask, p)
    joined = mixed.permute(2, 0, 1, 3).reshape(length, batch, dim)
    out = linear(joined, out_proj_weight, out_proj_bias)
    if lone:
        return out.squeeze(1), None if shares is None else shares.squeeze(0)
    return out, shares


def _by_head(x: Tensor, heads: int) -> Tensor:
    """Return (length, batch, dim) as (batch, heads, length, width)."""
    length, batch, dim = x.array.shape
    return x.reshape(length, batch, heads, dim // heads).permute(1, 2, 0, 3)


def _joined_mask(
    q: Tensor, k: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None
) -> Tensor | None:
    """Return both masks as one to be added, (batch, heads, queries, keys) or less."""
    keys = k.array.shape[2]
    found: Tensor | None = None
    if attn_mask is not None:
        found = _widened(_additive(attn_mask, q), keys)
        if found.array.ndim == 3:
            found = found.reshape(q.array.shape[0], -1, *found.array.shape[1:])
    if key_padding_mask is not None:
        padding = _widened(_additive(key_padding_mask, q), keys).reshape(-1, 1, 1, keys)
        found = padding if found is None else found + padding
    return found


def _widened(mask: Tensor, keys: int) -> Tensor:
    """Return the mask with the keys that the layer adds, which are seen by all."""
    missing = keys - mask.array.shape[-1]
    return cat([mask, mask.new_zeros(*mask.array.shape[:-1], missing)], -1) if missing else mask


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    if mask.array.dtype != bool:
        return mask
    return like.new_zeros(mask.array.shape).masked_fill(mask, -math.inf)

"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.amp import lowered
from stackgrad.amp import state as autocast
from stackgrad.arrays import quiet
from stackgrad.kernels.attention import Attention
from stackgrad.kernels.cuda import rows
from stackgrad.nn.functional.activation import softmax
from stackgrad.nn.functional.regularization import dropout
from stackgrad.ops.fused import Fused
from stackgrad.tensor import Tensor, wrap

__all__ = ["scaled_dot_product_attention"]


def _later(xp: Any, shape: tuple[int, ...]) -> Any:
    """Return a mask of what lies after the diagonal."""
    return xp.triu(xp.ones(shape, bool), 1)


def _hide_later(scores: Tensor) -> Tensor:
    xp = scores.device.xp
    hidden = quiet.run(_later, xp, scores.array.shape[-2:])
    return scores.masked_fill(wrap(hidden, scores.device), -math.inf)


def _attention_formula(q: Tensor, k: Tensor, v: Tensor, *, scale: float, causal: bool) -> Tensor:
    scores = (q * scale) @ k.transpose(-2, -1)
    return softmax(_hide_later(scores) if causal else scores, -1) @ v


_attention: Fused = Fused("attention", _attention_formula, cpu=Attention, cuda=rows.Attention)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(q k^T * scale + mask) v for (..., length, dim); `scale` is 1 / sqrt(dim).

    A boolean mask tells what may be seen, any other is added; causal lets position i see up to i.
    """
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if autocast.dtype is not None:
        query, key, value = lowered(query, key, value)
    if enable_gqa:
        times = query.array.shape[-3] // key.array.shape[-3]
        key, value = key.repeat_interleave(times, -3), value.repeat_interleave(times, -3)
    factor = 1 / math.sqrt(query.array.shape[-1]) if scale is None else scale
    if attn_mask is None and not dropout_p and query.array.shape[:-2] == key.array.shape[:-2]:
        return _attention(query, key, value, scale=factor, causal=is_causal)
    scores = (query * factor) @ key.transpose(-2, -1)
    if is_causal:
        scores = _hide_later(scores)
    elif attn_mask is not None:
        if attn_mask.array.dtype == bool:
            scores = scores.masked_fill(attn_mask.logical_not(), -math.inf)
        else:
            scores = scores + attn_mask
    weights = softmax(scores, -1)
    if (
        attn_mask is not None and attn_mask.array.dtype == bool
    ):  # a row that sees nothing yields zeros
        weights = weights.masked_fill(attn_mask.any(-1, keepdim=True).logical_not(), 0.0)
    return dropout(weights, dropout_p) @ value

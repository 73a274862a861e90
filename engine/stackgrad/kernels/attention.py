"""Attention over blocks of heads, whose scores stay in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.tuning import parallel

_BLOCK = 1 << 17  # scores


def _over_heads(xp: ArrayModule, work: Callable[[slice], None], heads: int, scores: int) -> None:
    if xp is not np:
        work(slice(0, heads))
        return
    step = max(_BLOCK // max(scores, 1), 1)

    def share(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            work(slice(first, min(first + step, stop)))

    parallel(share, heads)


def _flat(xp: ArrayModule, x: Array) -> Array:
    """Return (heads, length, dim) without gaps."""
    return xp.ascontiguousarray(x).reshape(-1, *x.shape[-2:])


class Attention:
    """softmax(q k^T * scale) v for (..., length, dim), causal or not."""

    @staticmethod
    def forward(
        xp: ArrayModule, q: Array, k: Array, v: Array, *, keep: bool, scale: float, causal: bool
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the output, and the probabilities with the operands without gaps."""
        query, key, value = _flat(xp, q), _flat(xp, k), _flat(xp, v)
        heads, rows, columns = query.shape[0], q.shape[-2], k.shape[-2]
        probability = xp.empty((heads, rows, columns), q.dtype)
        out = xp.empty((heads, rows, v.shape[-1]), q.dtype)
        ones = xp.ones(columns, q.dtype)
        hidden = xp.triu(xp.full((rows, columns), -np.inf, q.dtype), 1) if causal else None

        def work(part: slice) -> None:
            p = xp.matmul(query[part], key[part].swapaxes(1, 2), out=probability[part])
            p *= q.dtype.type(scale)
            if hidden is not None:
                p += hidden
            p -= p.max(2, keepdims=True)
            xp.exp(p, out=p)
            p /= (p @ ones)[..., None]
            xp.matmul(p, value[part], out=out[part])

        _over_heads(xp, work, heads, rows * columns)
        residue = (query, key, value, probability) if keep else None
        return (out.reshape(*q.shape[:-1], v.shape[-1]),), residue

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],  # noqa: ARG004
        *,
        scale: float,
        causal: bool,  # noqa: ARG004
    ) -> list[Array | None]:
        """Return the gradients of q, k and v."""
        query, key, value, probability = residue
        gradient = _flat(xp, gradients[0])
        out = [xp.empty_like(x) for x in (query, key, value)]

        def work(part: slice) -> None:
            p, g = probability[part], gradient[part]
            xp.matmul(p.swapaxes(1, 2), g, out=out[2][part])
            slope = xp.matmul(g, value[part].swapaxes(1, 2))
            slope -= xp.einsum("hij,hij->hi", slope, p)[..., None]
            slope *= p
            slope *= slope.dtype.type(scale)
            xp.matmul(slope, key[part], out=out[0][part])
            xp.matmul(slope.swapaxes(1, 2), query[part], out=out[1][part])

        _over_heads(xp, work, query.shape[0], probability.shape[1] * probability.shape[2])
        return [o.reshape(a.shape) for o, a in zip(out, arrays, strict=True)]

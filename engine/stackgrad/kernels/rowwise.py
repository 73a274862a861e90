"""Kernels that go over rows in blocks that stay in the cache, the rows shared among the threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.tuning import parallel

BLOCK = 1 << 15  # elements


def over_blocks(xp: ArrayModule, work: Callable[[slice], None], rows: int, width: int) -> None:
    """Call `work` with slices that cover all rows; on a GPU with one."""
    if xp is not np:
        work(slice(0, rows))
        return
    step = max(BLOCK // max(width, 1), 1)

    def share(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            work(slice(first, min(first + step, stop)))

    parallel(share, rows, 4 * step)


def rectify(xp: ArrayModule, x: Array) -> Array:
    """Return max(x, 0)."""
    zero = x.dtype.type(0)
    if xp is not np or x.size < 8 * BLOCK or not x.flags.c_contiguous:
        return xp.maximum(x, zero)
    flat, out = x.reshape(-1), np.empty_like(x)
    target = out.reshape(-1)
    parallel(lambda a, b: np.maximum(flat[a:b], zero, out=target[a:b]), flat.size)
    return out


def rectify_slope(xp: ArrayModule, h: Array, output: Array) -> Array:
    """Return h where `output`, of `rectify`, is positive, else 0."""
    if (
        xp is not np
        or h.size < 8 * BLOCK
        or not (h.flags.c_contiguous and output.flags.c_contiguous)
    ):
        return xp.multiply(h, output > 0)
    given, made, out = h.reshape(-1), output.reshape(-1), np.empty_like(h)
    target = out.reshape(-1)

    def work(part: slice) -> None:
        np.multiply(given[part], made[part] > 0, out=target[part])

    over_blocks(xp, work, given.size, 1)
    return out


def _mean_of_products(xp: ArrayModule, a: Array, b: Array) -> Array:
    """Return the means over rows of a * b as a column."""
    return (xp.einsum("ij,ij->i", a, b) / a.dtype.type(a.shape[1]))[:, None]


class LayerNorm:
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dimension of `width` elements."""

    @staticmethod
    def forward(
        xp: ArrayModule,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        keep: bool,
        width: int,
        eps: float,
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the output, and the normalised rows with the inverse deviations."""
        rows = xp.ascontiguousarray(x).reshape(-1, width)
        normal, out = xp.empty_like(rows), xp.empty_like(rows)
        inverse = xp.empty((rows.shape[0], 1), x.dtype)

        def work(part: slice) -> None:
            y = xp.subtract(rows[part], rows[part].mean(1, keepdims=True), out=normal[part])
            spread = _mean_of_products(xp, y, y)
            spread += x.dtype.type(eps)
            xp.sqrt(spread, out=spread)
            xp.reciprocal(spread, out=inverse[part])
            y *= inverse[part]
            if weight is None:
                out[part] = y
            else:
                xp.multiply(y, weight.reshape(-1), out=out[part])
            if bias is not None:
                out[part] += bias.reshape(-1)

        over_blocks(xp, work, rows.shape[0], width)
        return (out.reshape(x.shape),), (normal, inverse) if keep else None

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],
        *,
        width: int,
        eps: float,  # noqa: ARG004
    ) -> list[Array | None]:
        """Return the gradients of x, weight and bias."""
        normal, inverse = residue
        x, weight, bias = arrays
        rows = xp.ascontiguousarray(gradients[0]).reshape(-1, width)
        out: Array = xp.empty_like(rows) if needs[0] else None

        def work(part: slice) -> None:
            g, y = rows[part], normal[part]
            h = g if weight is None else xp.multiply(g, weight.reshape(-1))
            slope = xp.multiply(y, _mean_of_products(xp, h, y), out=out[part])
            xp.subtract(h, slope, out=slope)
            slope -= h.mean(1, keepdims=True)
            slope *= inverse[part]

        if out is not None:
            over_blocks(xp, work, rows.shape[0], width)
        by_weight = xp.einsum("ij,ij->j", rows, normal) if needs[1] else None
        return [
            None if out is None else out.reshape(x.shape),
            None if by_weight is None else by_weight.reshape(weight.shape),
            (xp.ones(rows.shape[0], rows.dtype) @ rows).reshape(bias.shape) if needs[2] else None,
        ]


class GeluTanh:
    """x * (1 + tanh(c * (x + 0.044715 x^3))) / 2, c = sqrt(2 / pi)."""

    _C, _A = 0.7978845608028654, 0.044715

    @classmethod
    def _tanh(cls, xp: ArrayModule, x: Array, square: Array) -> Array:
        kind = x.dtype.type
        t = xp.multiply(square, kind(cls._A * cls._C))
        t += kind(cls._C)
        t *= x
        return xp.tanh(t, out=t)

    @classmethod
    def forward(cls, xp: ArrayModule, x: Array, *, keep: bool) -> tuple[tuple[Array, ...], Any]:  # noqa: ARG003
        """Return the output; backward computes the tanh again."""
        flat = xp.ascontiguousarray(x).reshape(-1)
        out = xp.empty_like(flat)

        def work(part: slice) -> None:
            block, y = flat[part], out[part]
            t = cls._tanh(xp, block, xp.multiply(block, block, out=y))
            t += x.dtype.type(1)
            xp.multiply(block, x.dtype.type(0.5), out=y)
            y *= t

        over_blocks(xp, work, flat.size, 1)
        return (out.reshape(x.shape),), None

    @classmethod
    def backward(
        cls,
        xp: ArrayModule,
        residue: Any,  # noqa: ARG003
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],  # noqa: ARG003
    ) -> list[Array | None]:
        """Return g * ((1 + t) / 2 + x (1 - t^2) c (1 + 3 * 0.044715 x^2) / 2)."""
        x = arrays[0]
        kind = x.dtype.type
        flat = xp.ascontiguousarray(x).reshape(-1)
        gradient = xp.ascontiguousarray(gradients[0]).reshape(-1)
        out = xp.empty_like(flat)

        def work(part: slice) -> None:
            block, slope = flat[part], out[part]
            square = xp.multiply(block, block)
            t = cls._tanh(xp, block, square)
            square *= kind(1.5 * cls._A * cls._C)
            square += kind(0.5 * cls._C)
            square *= block  # x c (1 + 3 a x^2) / 2
            xp.multiply(t, t, out=slope)
            xp.subtract(kind(1), slope, out=slope)
            slope *= square
            t *= kind(0.5)
            slope += t
            slope += kind(0.5)
            slope *= gradient[part]

        over_blocks(xp, work, flat.size, 1)
        return [out.reshape(x.shape)]


class CrossEntropy:
    """The mean or sum over rows of log(sum(exp(x))) - x[target]; rows of `ignored` targets count nothing."""

    @staticmethod
    def forward(
        xp: ArrayModule, x: Array, target: Array, *, keep: bool, ignored: int, mean: bool
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the loss, and the probabilities with the factor of every row."""
        rows, width = x.shape
        probability = xp.empty_like(x)
        losses = xp.empty(rows, x.dtype)
        kept = target != ignored
        safe = xp.where(kept, target, 0)

        def work(part: slice) -> None:
            p = xp.subtract(x[part], x[part].max(1, keepdims=True), out=probability[part])
            picked = xp.take_along_axis(p, safe[part, None], 1)
            xp.exp(p, out=p)
            total = p.sum(1, keepdims=True)
            if keep:
                p /= total
            losses[part] = (xp.log(total) - picked)[:, 0]

        over_blocks(xp, work, rows, width)
        weights = kept.astype(x.dtype)
        if mean:
            weights = weights / weights.sum()
        total = xp.asarray((losses * weights).sum())
        if not keep:
            return (total,), None
        return (total,), (probability, xp.where(kept, weights, x.dtype.type(0)), safe)

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],  # noqa: ARG004
        needs: Sequence[bool],  # noqa: ARG004
        *,
        ignored: int,  # noqa: ARG004
        mean: bool,  # noqa: ARG004
    ) -> list[Array | None]:
        """Return (probability - one-hot) * factor, and None for the targets."""
        probability, weights, safe = residue
        factor = (weights * gradients[0])[:, None]
        out = xp.multiply(probability, factor)
        out[xp.arange(out.shape[0]), safe] -= factor[:, 0]
        return [out, None]

"""Row kernels on arrays: softmax, layer, group and RMS norm, cross entropy, attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.cuda.launch import each, launch, packed, threads_for
from stackgrad.kernels.cuda.source import accumulator


def softmax(xp: ArrayModule, x: Array, dim: int, *, logarithm: bool = False) -> Array:
    """Return the softmax along `dim`, or its logarithm."""
    moved = packed(xp, xp.moveaxis(x, dim, -1))
    out = xp.empty_like(moved)
    width = moved.shape[-1]
    arguments = (moved, out, width, 1, logarithm, 0, 0)
    launch(xp, "softmax_forward", x.dtype, _rows(moved), arguments, threads=threads_for(width))
    return xp.moveaxis(out, -1, dim)


def softmax_slope(
    xp: ArrayModule, g: Array, y: Array, dim: int, *, logarithm: bool = False
) -> Array:
    """Return the gradient by x of `y = softmax(x)`, or of its logarithm."""
    out, gradient = packed(xp, xp.moveaxis(y, dim, -1)), packed(xp, xp.moveaxis(g, dim, -1))
    dx, width = xp.empty_like(out), out.shape[-1]
    arguments = (out, gradient, dx, width, 1, logarithm)
    launch(xp, "softmax_backward", y.dtype, _rows(out), arguments, threads=threads_for(width))
    return xp.moveaxis(dx, -1, dim)


class SoftmaxSlope:
    """The same as a kernel of an operation, whose own derivative is its formula's."""

    takes_half = True
    backward = None

    def __init__(self, *, logarithm: bool) -> None:
        self.logarithm = logarithm

    def forward(
        self,
        xp: ArrayModule,
        g: Array,
        y: Array,
        *,
        keep: bool,  # noqa: ARG002
        dim: int,
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the gradient by x."""
        return (softmax_slope(xp, g, y, dim, logarithm=self.logarithm),), None


def _rows(x: Array) -> int:
    return math.prod(x.shape[:-1]) if x.size else 0


class Norm:
    """(x - mean) / sqrt(variance + eps) * weight + bias over rows of `width` elements.

    A row is one of `groups` groups of channels, `spatial` elements each: layer norm has the defaults.
    """

    takes_half = True
    centred = True

    @classmethod
    def forward(
        cls,
        xp: ArrayModule,
        x: Array,
        weight: Array | None,
        bias: Array | None = None,
        *,
        keep: bool,
        width: int,
        eps: float,
        groups: int = 1,
        spatial: int = 1,
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the output, and the means and inverse deviations of the rows."""
        whole, count = packed(xp, x), x.size // width if width else 0
        y = xp.empty_like(whole)
        mean, inverse = (xp.empty(count, accumulator(x.dtype)) for _ in range(2))
        scale, shift = (None if t is None else packed(xp, t) for t in (weight, bias))
        arguments = (
            whole,
            scale,
            shift,
            y,
            mean,
            inverse,
            width,
            groups,
            spatial,
            eps,
            cls.centred,
        )
        launch(xp, "norm_forward", x.dtype, count, arguments, threads=threads_for(width))
        return (y,), (whole, scale, mean, inverse) if keep else None

    @classmethod
    def backward(
        cls,
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],
        *,
        width: int,
        eps: float,  # noqa: ARG003
        groups: int = 1,
        spatial: int = 1,
    ) -> list[Array | None]:
        """Return the gradients of x, weight and bias."""
        x, scale, mean, inverse = residue
        g, kind, count = packed(xp, gradients[0]), x.dtype, mean.size
        found: list[Array | None] = [None] * len(arrays)
        if needs[0]:
            found[0] = xp.empty_like(x)
            arguments = (x, scale, g, mean, inverse, found[0], width, groups, spatial, cls.centred)
            launch(xp, "norm_backward", kind, count, arguments, threads=threads_for(width))
        if any(needs[1:]):
            for place in range(1, len(arrays)):
                if needs[place]:
                    found[place] = xp.zeros(arrays[place].shape, kind)
            channels = groups * (width // spatial)
            shift = found[2] if len(found) > 2 else None
            outputs = (x, g, mean, inverse, found[1], shift, count, width, groups, spatial)
            launch(xp, "norm_weights", kind, channels, outputs)
        return found


class LayerNorm(Norm):
    """Norm of a last dimension of `width`, in the form of the `layer_norm` operation."""


class RMSNorm(Norm):
    """x / sqrt(mean(x^2) + eps) * weight."""

    centred = False


class CrossEntropy:
    """The mean or sum over rows of log(sum(exp(x))) - x[target]; rows of `ignored` targets count nothing."""

    takes_half = True

    @staticmethod
    def forward(
        xp: ArrayModule, x: Array, target: Array, *, keep: bool, ignored: int, mean: bool
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the loss, and the logarithms of the sums with the factor of all rows."""
        rows, width = x.shape
        sums = accumulator(x.dtype)
        whole, chosen = packed(xp, x), packed(xp, target.astype("int64", copy=False))
        losses, lse = xp.empty(rows, sums), xp.empty(rows, sums)
        arguments = (whole, chosen, losses, lse, width, ignored)
        launch(xp, "cross_entropy_forward", x.dtype, rows, arguments, threads=threads_for(width))
        factor = xp.ones(1, sums)
        if mean:
            factor = 1 / (chosen != ignored).sum().astype(sums).reshape(1)
        loss = (losses.sum() * factor[0]).astype(x.dtype)
        return (xp.asarray(loss),), (whole, chosen, lse, factor) if keep else None

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],  # noqa: ARG004
        needs: Sequence[bool],  # noqa: ARG004
        *,
        ignored: int,
        mean: bool,  # noqa: ARG004
    ) -> list[Array | None]:
        """Return (softmax - one-hot) * factor, and None for the targets."""
        x, chosen, lse, factor = residue
        dx = xp.empty_like(x)
        arguments = (x, chosen, lse, factor, packed(xp, gradients[0]), dx, *x.shape, ignored)
        each(xp, "cross_entropy_backward", x.dtype, x.size, arguments)
        return [dx, None]


class Attention:
    """softmax(q k^T * scale) v for (..., length, dim), causal or not: two batched products around a kernel."""

    takes_half = True

    @staticmethod
    def forward(
        xp: ArrayModule, q: Array, k: Array, v: Array, *, keep: bool, scale: float, causal: bool
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the output, and the probabilities."""
        scores = packed(xp, xp.matmul(q, k.swapaxes(-1, -2)))
        rows, columns = scores.shape[-2:]
        seen = rows if causal else 0
        arguments = (scores, scores, columns, scale, 0, seen, 0)
        launch(
            xp, "softmax_forward", q.dtype, _rows(scores), arguments, threads=threads_for(columns)
        )
        return (xp.matmul(scores, v),), scores if keep else None

    @staticmethod
    def backward(
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],
        *,
        scale: float,
        causal: bool,  # noqa: ARG004
    ) -> list[Array | None]:
        """Return the gradients of q, k and v."""
        q, k, v = arrays
        g, columns = gradients[0], residue.shape[-1]
        dv = xp.matmul(residue.swapaxes(-1, -2), g) if needs[2] else None
        if not (needs[0] or needs[1]):
            return [None, None, dv]
        slope = packed(xp, xp.matmul(g, v.swapaxes(-1, -2)))
        arguments = (residue, slope, slope, columns, scale, 0)
        launch(
            xp, "softmax_backward", q.dtype, _rows(slope), arguments, threads=threads_for(columns)
        )
        return [
            xp.matmul(slope, k) if needs[0] else None,
            xp.matmul(slope.swapaxes(-1, -2), q) if needs[1] else None,
            dv,
        ]

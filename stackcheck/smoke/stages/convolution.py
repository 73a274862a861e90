"""Convolution and both its gradients against sums written out in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcheck.smoke.bench import Bench, Outcome, limit

__all__ = ["check_convolution", "convolve"]

_Array = npt.NDArray[np.float64]
_EPSILON = float(np.finfo(np.float32).eps)
_ALLOWED_UNITS = (
    256.0  # Winograd and FFT algorithms of accelerated libraries lose up to two digits more
)


@dataclass(frozen=True)
class _Shape:
    channels: int
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1


_SHAPES = (
    _Shape(3, 8, 3, padding=1),
    _Shape(8, 8, 5, stride=2, padding=2),
    _Shape(8, 12, 1),
    _Shape(8, 8, 3, padding=2, dilation=2),
    _Shape(8, 16, 3, padding=1, groups=4),
    _Shape(6, 6, 3, stride=3, groups=6),
)


def convolve(
    images: _Array, weights: _Array, cotangent: _Array | None, shape: Any
) -> tuple[_Array, _Array, _Array]:
    """Return the convolution, and the gradients of its product with `cotangent` for images and weights.

    Images (batch, channels, height, width), weights (filters, channels / groups, kernel, kernel). Without a cotangent
    the gradients are zeros. Plain sums over the kernel's offsets; no matrix product.
    """
    batch, _, height, width = images.shape
    reach = shape.dilation * (shape.kernel - 1)
    high = (height + 2 * shape.padding - reach - 1) // shape.stride + 1
    wide = (width + 2 * shape.padding - reach - 1) // shape.stride + 1
    edge = (shape.padding, shape.padding)
    padded = np.pad(images, ((0, 0), (0, 0), edge, edge))
    grouped = padded.reshape(batch, shape.groups, -1, *padded.shape[2:])
    filters = weights.reshape(shape.groups, -1, *weights.shape[1:])
    result = np.zeros((batch, *filters.shape[:2], high, wide))
    back = None if cotangent is None else cotangent.reshape(result.shape)
    image_gradient, weight_gradient = np.zeros_like(grouped), np.zeros_like(filters)
    for down in range(shape.kernel):
        for across in range(shape.kernel):
            top, left = down * shape.dilation, across * shape.dilation
            window = (
                ...,
                slice(top, top + (high - 1) * shape.stride + 1, shape.stride),
                slice(left, left + (wide - 1) * shape.stride + 1, shape.stride),
            )
            taps = filters[..., down, across]
            result += np.einsum("bgchw,goc->bgohw", grouped[window], taps)
            if back is not None:
                image_gradient[window] += np.einsum("bgohw,goc->bgchw", back, taps)
                weight_gradient[..., down, across] = np.einsum(
                    "bgohw,bgchw->goc", back, grouped[window]
                )
    inner = (
        slice(shape.padding, shape.padding + height),
        slice(shape.padding, shape.padding + width),
    )
    return (
        result.reshape(batch, -1, high, wide),
        image_gradient.reshape(padded.shape)[:, :, inner[0], inner[1]],
        weight_gradient.reshape(weights.shape),
    )


def check_convolution(bench: Bench) -> Outcome:
    """Check six shapes, forward and backward."""
    worst = 0.0
    compared_with = "float64 sums over the kernel, forward and both gradients"
    for number, shape in enumerate(_SHAPES):
        random = bench.random(30 + number)
        images = random.standard_normal((4, shape.channels, 13, 11)).astype(np.float32)
        taps = (shape.filters, shape.channels // shape.groups, shape.kernel, shape.kernel)
        weights = random.standard_normal(taps).astype(np.float32)
        placed = bench.tensor(images, grad=True), bench.tensor(weights, grad=True)
        result = bench.engine.nn.functional.conv2d(
            *placed,
            stride=shape.stride,
            padding=shape.padding,
            dilation=shape.dilation,
            groups=shape.groups,
        )
        cotangent = random.standard_normal(tuple(result.shape)).astype(np.float32)
        (result * bench.tensor(cotangent)).sum().backward()
        exact = convolve(
            images.astype(np.float64),
            weights.astype(np.float64),
            cotangent.astype(np.float64),
            shape,
        )
        for what, found, right in zip(
            ("result", "gradient of the images", "gradient of the weights"),
            (result, placed[0].grad, placed[1].grad),
            exact,
            strict=True,
        ):
            units = float(
                np.abs(bench.host(found) - right).max() / (_EPSILON * np.abs(right).max())
            )
            if not units <= _ALLOWED_UNITS:
                return limit(
                    units, _ALLOWED_UNITS, "rounding units", compared_with,
                    f"the {what} of {_word(shape)} differs by {units:.3g} rounding units",
                )  # fmt: skip
            worst = max(worst, units)
    return limit(
        worst, _ALLOWED_UNITS, "rounding units", f"{compared_with}; {len(_SHAPES)} shapes", ""
    )


def _word(shape: _Shape) -> str:
    return (
        f"a {shape.kernel}x{shape.kernel} convolution, {shape.channels} to {shape.filters} channels,"
        f" stride {shape.stride}, padding {shape.padding}, dilation {shape.dilation}, {shape.groups} groups"
    )

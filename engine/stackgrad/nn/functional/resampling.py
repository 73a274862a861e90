"""Images in another size, and images looked up at any place.

Resizing along one dimension is a product with a matrix whose rows hold the weights of the pixels, so
its gradient is the product with the transposed matrix.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.nn.functional.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)
from stackgrad.tensor import Tensor, wrap

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_DIMS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def interpolate(  # noqa: C901  (PyTorch's checks stand in front)
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Return (N, C, ...) resized to `size`, or by `scale_factor`.

    Modes: nearest, nearest-exact, area, linear (3D input), bilinear, bicubic (4D), trilinear (5D).
    """
    count = input.array.ndim - 2
    if mode in _DIMS and count != _DIMS[mode]:
        raise NotImplementedError(
            f"Input Error: {mode} resizes {_DIMS[mode] + 2}D input (got {count + 2}D)"
        )
    if mode not in _DIMS and mode not in ("nearest", "nearest-exact", "area"):
        raise NotImplementedError(f"Input Error: unknown mode {mode!r}")
    if align_corners is not None and mode not in _DIMS:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes")
    old = input.array.shape[2:]
    new, scales = _new_size(old, size, scale_factor, recompute_scale_factor)
    if min(new, default=1) <= 0:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got {list(old)} and {list(new)}"
        )
    if mode == "area":
        pool: Any = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[count - 1]
        found: Tensor = pool(input, new)
        return found
    if input.array.dtype == np.uint8 and mode in _DIMS:
        found = interpolate(
            input.float(),
            size,
            scale_factor,
            mode,
            align_corners,
            recompute_scale_factor,
            antialias,
        )
        return found.round().clamp(0, 255).to(input.dtype)
    for d in range(count):
        given = scales[d]
        step = 1 / given if given else old[d] / new[d]
        if mode.startswith("nearest"):
            index = wrap(input.device.asarray(_nearest(old[d], new[d], step, mode)), input.device)
            input = input.index_select(2 + d, index)
        elif old[d] != new[d] or given:
            cubic = mode == "bicubic"
            weights = (
                _smooth_weights(old[d], new[d], step, cubic, bool(align_corners))
                if antialias
                else _weights(old[d], new[d], step, cubic, bool(align_corners))
            )
            matrix = wrap(input.device.asarray(weights.astype(input.array.dtype)), input.device)
            input = (input.movedim(2 + d, -1) @ matrix.transpose(0, 1)).movedim(-1, 2 + d)
    return input


def _new_size(
    old: Sequence[int], size: Any, scale: Any, recompute: bool | None
) -> tuple[tuple[int, ...], list[float | None]]:
    """Return the sizes, and per dimension the factor where the given one is to be used."""
    if (size is None) == (scale is None):
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        new = (
            tuple(int(s) for s in size)
            if isinstance(size, (tuple, list))
            else (int(size),) * len(old)
        )
        if len(new) != len(old):
            raise ValueError(
                f"Input and output must have the same number of spatial dimensions, got {list(old)} and {size}"
            )
        return new, [None] * len(old)
    factors = list(scale) if isinstance(scale, (tuple, list)) else [scale] * len(old)
    if len(factors) != len(old):
        raise ValueError(f"scale_factor must have one value per spatial dimension, got {scale}")
    new = tuple(math.floor(n * float(f)) for n, f in zip(old, factors, strict=True))
    return new, [None] * len(old) if recompute else [float(f) for f in factors]


def _nearest(old: int, new: int, step: float, mode: str) -> Any:
    places = np.arange(new, dtype=np.float32)
    shift = np.float32(0.5 if mode == "nearest-exact" else 0.0)
    index = np.floor((places + shift) * np.float32(step)).astype(np.int64)
    return np.minimum(index, old - 1)


def _places(old: int, new: int, step: float, corners: bool) -> Any:
    """Return where among the old pixels each new one lies."""
    if corners:
        return np.arange(new) * ((old - 1) / (new - 1) if new > 1 else 0.0)
    return (np.arange(new) + 0.5) * step - 0.5


def _cubic(x: Any, a: float) -> Any:
    """Return Keys's convolution kernel (1981)."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _weights(old: int, new: int, step: float, cubic: bool, corners: bool) -> Any:
    """Return the matrix (new, old) of the linear or cubic interpolation."""
    place = _places(old, new, step, corners)
    if not cubic:
        place = np.maximum(place, 0.0)
    low = np.floor(place)
    share = place - low
    found = np.zeros((new, old))
    rows = np.arange(new)
    for tap in range(-1, 3) if cubic else range(2):
        index = np.clip(low + tap, 0, old - 1).astype(np.int64)
        weight = _cubic(share - tap, -0.75) if cubic else np.where(tap, share, 1 - share)
        np.add.at(found, (rows, index), weight)
    return found


def _smooth_weights(old: int, new: int, step: float, cubic: bool, corners: bool) -> Any:
    """Return the matrix of a filter as wide as the old pixels that a new one stands for."""
    if corners:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
    wide = max(step, 1.0)
    support = (2.0 if cubic else 1.0) * wide
    found = np.zeros((new, old))
    for i in range(new):
        centre = step * (i + 0.5)
        first, last = max(int(centre - support + 0.5), 0), min(int(centre + support + 0.5), old)
        away = (np.arange(first, last) - centre + 0.5) / wide
        weight = _cubic(away, -0.5) if cubic else np.maximum(1 - np.abs(away), 0)
        found[i, first:last] = weight / weight.sum()
    return found


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Return the same as `interpolate`, its older name."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `interpolate`", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Return the image resized by the nearest pixels."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Return the image resized bilinearly, corner on corner."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)

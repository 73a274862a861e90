"""Images looked up at the places of a grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from stackgrad.ops.creation import arange
from stackgrad.ops.elementwise import where
from stackgrad.ops.joining import stack
from stackgrad.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Return the grid (N, H, W, 2) or (N, D, H, W, 3) of the affine maps `theta` for an output of `size`."""
    spatial = tuple(size)[2:]
    count = len(spatial)
    if theta.array.shape[1:] != (count, count + 1):
        raise ValueError(
            f"Expected a batch of {count}D affine matrices of shape Nx{count}x{count + 1} for size {list(size)}. "
            f"Got {list(theta.shape)}."
        )
    axes = []
    for d, n in enumerate(spatial):
        axis = arange(n, dtype=theta.dtype, device=theta.device)
        last = n - 1 if align_corners else n
        axis = (2 * axis + (0 if align_corners else 1)) / max(last, 1) - 1
        axis = axis * 0 if align_corners and n == 1 else axis
        shape = [1] * count
        shape[d] = n
        axes.append(axis.reshape(shape).expand(spatial))
    base = stack([*axes[::-1], axes[0] * 0 + 1], -1).reshape(-1, count + 1)
    return (base @ theta.transpose(1, 2)).reshape(-1, *spatial, count)


def _reflected(x: Tensor, low: float, high: float) -> Tensor:
    """Return coordinates folded back and forth between `low` and `high`."""
    span = high - low
    if span <= 0:
        return x * 0
    away = (x - low).abs()
    turns = (away / span).floor()
    rest = away - turns * span
    return where(turns % 2 == 0, rest + low, high - rest)


def _unnormalised(x: Tensor, size: int, corners: bool) -> Tensor:
    """Return coordinates from [-1, 1] as places among `size` pixels."""
    return (x + 1) / 2 * (size - 1) if corners else ((x + 1) * size - 1) / 2


def _kept_inside(x: Tensor, size: int, padding: str, corners: bool) -> Tensor:
    if padding == "border":
        return x.clamp(0, size - 1)
    if padding == "reflection":
        low, high = (0, size - 1) if corners else (-0.5, size - 0.5)
        return _reflected(x, low, high).clamp(0, size - 1)
    return x


def _look_up(input: Tensor, index: Sequence[Tensor]) -> Tensor:
    """Return (N, C, P): the pixels at whole places (N, P) per dimension, zero outside."""
    sizes = input.array.shape[2:]
    batch, channels = input.array.shape[:2]
    inside, flat = None, None
    for place, size in zip(index, sizes, strict=True):
        here = (place >= 0) & (place <= size - 1)
        inside = here if inside is None else inside & here
        safe = place.detach().clamp(0, size - 1).long()
        flat = safe if flat is None else flat * size + safe
    if flat is None or inside is None:
        raise ValueError("grid_sample: the input has no spatial dimensions")
    spread = flat.unsqueeze(1).expand(batch, channels, flat.array.shape[1])
    found = input.reshape(batch, channels, math.prod(sizes)).gather(2, spread)
    return where(inside.unsqueeze(1), found, 0.0)


def _cubic_weights(share: Tensor) -> list[Tensor]:
    """Return the weights of four neighbours by Keys's kernel with a = -0.75."""
    a = -0.75

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(share + 1), near(share), near(1 - share), far(2 - share)]


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Return (N, C, *out): `input` (N, C, *in) at the places `grid` (N, *out, dims), x before y, from -1 to 1."""
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
            f"but got: '{padding_mode}'"
        )
    sizes, out = input.array.shape[2:], grid.array.shape[1:-1]
    count, corners = len(sizes), bool(align_corners)
    if count not in (2, 3) or grid.array.shape[-1] != count or len(out) != count:
        raise RuntimeError(
            f"grid_sampler(): expected grid for input {list(input.shape)} to be (N, ..., {count}), "
            f"got {list(grid.shape)}"
        )
    if mode == "bicubic" and count != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    flat = grid.reshape(grid.array.shape[0], -1, count)
    places = [_unnormalised(flat[..., count - 1 - d], n, corners) for d, n in enumerate(sizes)]
    if mode != "bicubic":
        places = [
            _kept_inside(p, n, padding_mode, corners) for p, n in zip(places, sizes, strict=True)
        ]
    if mode == "nearest":
        found = _look_up(input, [p.round() for p in places])
    else:
        found = _mixed(input, places, mode == "bicubic", padding_mode, corners)
    return found.reshape(*input.array.shape[:2], *out)


def _mixed(
    input: Tensor, places: Sequence[Tensor], cubic: bool, padding: str, corners: bool
) -> Tensor:
    """Return the sum over neighbours of pixel times weight."""
    sizes = input.array.shape[2:]
    lows = [p.detach().floor() for p in places]
    shares = [p - low for p, low in zip(places, lows, strict=True)]
    weights = [_cubic_weights(s) if cubic else [1 - s, s] for s in shares]
    taps = range(-1, 3) if cubic else range(2)
    found = None
    for chosen in itertools.product(range(len(weights[0])), repeat=len(sizes)):
        index = [low + taps[k] for low, k in zip(lows, chosen, strict=True)]
        if cubic:
            index = [
                _kept_inside(p, n, padding, corners) for p, n in zip(index, sizes, strict=True)
            ]
        weight = None
        for d, k in enumerate(chosen):
            weight = weights[d][k] if weight is None else weight * weights[d][k]
        if weight is None:
            continue
        term = _look_up(input, index) * weight.unsqueeze(1)
        found = term if found is None else found + term
    if found is None:
        raise ValueError("grid_sample: the input has no spatial dimensions")
    return found

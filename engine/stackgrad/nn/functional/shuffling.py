"""Channels and pixels rearranged."""

from __future__ import annotations

from stackgrad.ops.table import function
from stackgrad.tensor import Tensor

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


@function(method=False)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Return (..., C, H r, W r) from (..., C r^2, H, W): channels become pixels."""
    r, shape = upscale_factor, input.array.shape
    if len(shape) < 3 or r < 1 or shape[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but got {list(shape)} and {r}"
        )
    *lead, channels, height, width = shape
    count = len(lead)
    x = input.reshape(*lead, channels // (r * r), r, r, height, width)
    order = [*range(count), *(count + d for d in (0, 3, 1, 4, 2))]
    return x.permute(order).reshape(*lead, channels // (r * r), height * r, width * r)


@function(method=False)
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Return (..., C r^2, H, W) from (..., C, H r, W r): pixels become channels."""
    r, shape = downscale_factor, input.array.shape
    if len(shape) < 3 or r < 1 or shape[-2] % r or shape[-1] % r:
        raise RuntimeError(
            "pixel_unshuffle expects height and width to be divisible by downscale_factor, "
            f"but got {list(shape)} and {r}"
        )
    *lead, channels, height, width = shape
    count = len(lead)
    x = input.reshape(*lead, channels, height // r, r, width // r, r)
    order = [*range(count), *(count + d for d in (0, 2, 4, 1, 3))]
    return x.permute(order).reshape(*lead, channels * r * r, height // r, width // r)


@function(method=False)
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Return (N, C, ...) with the channels of the groups dealt out in turn."""
    shape = input.array.shape
    if len(shape) < 3 or groups < 1 or shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {list(shape)} channels and {groups} groups."
        )
    x = input.reshape(shape[0], groups, shape[1] // groups, *shape[2:])
    return x.transpose(1, 2).reshape(shape)


native_channel_shuffle = channel_shuffle

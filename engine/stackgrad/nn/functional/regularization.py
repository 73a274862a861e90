"""Dropout in its forms."""

from __future__ import annotations

from typing import Any

from stackgrad import random
from stackgrad.arrays import Array, ArrayModule, quiet
from stackgrad.kernels.cuda import elements
from stackgrad.kernels.cuda.upload import upload
from stackgrad.ops.table import Op
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def _kept(input: Tensor, shape: tuple[int, ...], p: float) -> Tensor:
    """Return a mask of what stays: ones with probability 1 - p."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    device, kind = input.device, input.array.dtype
    mask = quiet.run(_draw_mask, device.xp, shape, kind, p, random.default_generator)
    return wrap(mask, device)


def _draw_mask(
    xp: ArrayModule, shape: tuple[int, ...], kind: Any, p: float, generator: random.Generator
) -> Array:
    drawn = random.uniform(xp, shape, xp.dtype("float32"), generator)
    return (drawn >= p).astype(kind)


_draw: Op = Op(
    "dropout",
    lambda xp, x, *, p, state: elements.dropout(xp, x, p, state),
    {"x": lambda g, p, state: _draw(g, p=p, state=state)},
)


def _drop_on_gpu(input: Tensor, p: float) -> Tensor:
    """Draw and drop in one kernel, which backward repeats: the mask is never kept."""
    blocks = -(-input.array.size // 8)  # two elements to a word, four words to a block

    def take() -> tuple[int, int]:
        return random.default_generator.take(blocks)

    return _draw(input, p=p, state=upload(input.device.xp, take(), "uint64", take))


def _drop(input: Tensor, shape: tuple[int, ...], p: float, inplace: bool) -> Tensor:
    mask = _kept(input, shape, p)
    if p < 1:
        mask = mask / (1 - p)
    return input.mul_(mask) if inplace else input * mask


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to zero with probability `p` and scale the others by 1 / (1 - p)."""
    if training and p and input.is_cuda and not inplace and 0 <= p <= 1:
        return _drop_on_gpu(input, p)
    return _drop(input, input.array.shape, p, inplace) if training and p else input


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Drop whole channels of (N, C, ...)."""
    shape = (*input.array.shape[:2], *(1,) * (input.array.ndim - 2))
    return _drop(input, shape, p, inplace) if training and p else input


dropout1d = dropout3d = dropout2d


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Drop to the negative limit of SELU, and keep mean and variance (Klambauer et al., 2017)."""
    return _alpha(input, input.array.shape, p, inplace) if training and p else input


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Do the same to whole channels."""
    shape = (*input.array.shape[:2], *(1,) * (input.array.ndim - 2))
    return _alpha(input, shape, p, inplace) if training and p else input


def _alpha(input: Tensor, shape: tuple[int, ...], p: float, inplace: bool) -> Tensor:
    floor = -1.7580993408473766
    mask = _kept(input, shape, p)
    scale = ((1 - p) * (1 + p * floor * floor)) ** -0.5 if p < 1 else 0.0
    result = input * (mask * scale) + (1 - mask) * (floor * scale) - floor * p * scale
    return input.copy_(result) if inplace else result

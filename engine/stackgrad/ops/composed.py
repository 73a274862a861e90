"""Element by element, written in other operations."""

from __future__ import annotations

import math
from typing import Any

from stackgrad import dtypes
from stackgrad.ops.elementwise import _constant, clamp, round_, where
from stackgrad.ops.table import function
from stackgrad.tensor import Tensor


@function(inplace=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Round half to even, to `decimals` digits after the point."""
    if not decimals:
        return round_(input)
    scale = 10.0**decimals
    return round_(input * scale) / scale


@function(inplace=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Return log(x / (1 - x)), with x kept within [eps, 1 - eps] if `eps` is given."""
    x = input if eps is None else clamp(input, eps, 1 - eps)
    return (x / (1 - x)).log()


@function(inplace=True)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Return input + value * tensor1 * tensor2."""
    return input + tensor1 * tensor2 * value


@function(inplace=True)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Return input + value * tensor1 / tensor2."""
    return input + tensor1 / tensor2 * value


@function(inplace=True)
def lerp(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """Return input + weight * (end - input)."""
    return input + (end - input) * weight


@function(inplace=True)
def nan_to_num(
    input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Replace NaN and the infinities by numbers: by default 0 and the largest finite ones."""
    if not input.dtype.is_floating_point:
        return input.clone()
    limits = dtypes.finfo(input.dtype)
    infinity = math.inf
    x = where(input.isnan(), nan, input)
    x = where(input == infinity, limits.max if posinf is None else posinf, x)
    return where(input == -infinity, limits.min if neginf is None else neginf, x)


@function(inplace=True)
def xlogy(input: Any, other: Any) -> Tensor:
    """Return input * log(other), 0 where input is 0."""
    reference = input if isinstance(input, Tensor) else other
    factor = (
        input
        if isinstance(input, Tensor)
        else _constant(input, reference.dtype.numpy, reference.device)
    )
    base = (
        other
        if isinstance(other, Tensor)
        else _constant(other, reference.dtype.numpy, reference.device)
    )
    zero = (factor == 0) & base.isnan().logical_not()
    return where(zero, 0.0, factor * where(zero, 1.0, base).log())

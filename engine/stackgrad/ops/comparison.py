"""Comparisons, logic and bits: results without gradients."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.ops.table import binary, function, unary
from stackgrad.tensor import Tensor

eq = binary("eq", lambda xp, x, other: xp.equal(x, other))
ne = binary("ne", lambda xp, x, other: xp.not_equal(x, other))
lt = binary("lt", lambda xp, x, other: xp.less(x, other))
le = binary("le", lambda xp, x, other: xp.less_equal(x, other))
gt = binary("gt", lambda xp, x, other: xp.greater(x, other))
ge = binary("ge", lambda xp, x, other: xp.greater_equal(x, other))
logical_and = binary("logical_and", lambda xp, x, other: xp.logical_and(x, other))
logical_or = binary("logical_or", lambda xp, x, other: xp.logical_or(x, other))
logical_xor = binary("logical_xor", lambda xp, x, other: xp.logical_xor(x, other))
logical_not = unary("logical_not", lambda xp, x: xp.logical_not(x), to_float=False)
bitwise_and = binary("bitwise_and", lambda xp, x, other: xp.bitwise_and(x, other))
bitwise_or = binary("bitwise_or", lambda xp, x, other: xp.bitwise_or(x, other))
bitwise_xor = binary("bitwise_xor", lambda xp, x, other: xp.bitwise_xor(x, other))
bitwise_not = unary("bitwise_not", lambda xp, x: xp.invert(x), to_float=False)
bitwise_left_shift = binary("bitwise_left_shift", lambda xp, x, other: xp.left_shift(x, other))
bitwise_right_shift = binary("bitwise_right_shift", lambda xp, x, other: xp.right_shift(x, other))
isnan = unary("isnan", lambda xp, x: xp.isnan(x), to_float=False)
isinf = unary("isinf", lambda xp, x: xp.isinf(x), to_float=False)
isfinite = unary("isfinite", lambda xp, x: xp.isfinite(x), to_float=False)
signbit = unary(
    "signbit", lambda xp, x: x < 0 if x.dtype.kind in "iub" else xp.signbit(x), to_float=False
)


@function()
def isposinf(input: Tensor) -> Tensor:
    """Return where the elements are positive infinity."""
    return eq(input, math.inf)


@function()
def isneginf(input: Tensor) -> Tensor:
    """Return where the elements are negative infinity."""
    return eq(input, -math.inf)


@function()
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Return where |input - other| <= atol + rtol * |other|."""
    near = (input.detach() - other.detach()).abs() <= atol + rtol * other.detach().abs()
    close = eq(input, other) | (near & isfinite(input) & isfinite(other))
    return close | (isnan(input) & isnan(other)) if equal_nan else close


@function()
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Return whether all elements are close."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@function()
def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether both have the same shape and elements."""
    return input.array.shape == other.array.shape and bool((input == other).all())


def is_tensor(value: Any) -> bool:
    """Return whether `value` is a tensor."""
    return isinstance(value, Tensor)

"""The gamma function's logarithm and its derivatives, and functions of the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stackgrad.ops.composed import xlogy
from stackgrad.ops.creation import arange
from stackgrad.ops.elementwise import erfc, erfinv, where
from stackgrad.ops.table import Op, function, publish_inplace, unary
from stackgrad.tensor import Tensor

# Bernoulli numbers B(2), B(4), ... : the series of Stirling and of Euler and Maclaurin
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_FAR = 10.0  # from here on eight terms of the series are exact to the last digit of float64


def _shifted(xp: Any, x: Any, term: Any) -> tuple[Any, Any]:
    """Return x moved beyond `_FAR` by the recurrence, and the sum of `term` over what was passed."""
    total = xp.zeros_like(x)
    while (near := x < _FAR).any():
        total = total + xp.where(near, term(xp.where(near, x, 1.0)), 0.0)
        x = xp.where(near, x + 1, x)
    return x, total


def lgamma_array(xp: Any, x: Any) -> Any:
    """Return log |gamma(x)|: Stirling's series, and the reflection formula below a half."""
    kind, y = x.dtype, xp.asarray(x, dtype="float64")
    low = y < 0.5
    far, passed = _shifted(xp, xp.where(low, 1 - y, y), xp.log)
    series = sum(
        b / (2 * n * (2 * n - 1) * far ** (2 * n - 1)) for n, b in enumerate(_BERNOULLI, 1)
    )
    value = (far - 0.5) * xp.log(far) - far + 0.5 * math.log(2 * math.pi) + series - passed
    sine = xp.abs(xp.sin(math.pi * (y - xp.floor(y))))
    mirrored = math.log(math.pi) - xp.log(xp.where(low, sine, 1.0)) - value
    found = xp.where(low, mirrored, value)
    pole = (y <= 0) & (y == xp.floor(y))
    return xp.where(pole | xp.isinf(y), math.inf, found).astype(kind)


def digamma_array(xp: Any, x: Any) -> Any:
    """Return the derivative of log gamma(x): NaN at negative whole numbers, -inf at zero."""
    kind, y = x.dtype, xp.asarray(x, dtype="float64")
    low = y < 0.5
    far, passed = _shifted(xp, xp.where(low, 1 - y, y), lambda v: 1 / v)
    series = sum(b / (2 * n * far ** (2 * n)) for n, b in enumerate(_BERNOULLI, 1))
    value = xp.log(far) - 0.5 / far - series - passed
    whole = y == xp.floor(y)
    angle = math.pi * (y - xp.floor(y))
    mirrored = value - math.pi / xp.tan(xp.where(low & ~whole, angle, 1.0))
    found = xp.where(low, mirrored, value)
    found = xp.where(whole & (y < 0), math.nan, found)
    return xp.where(y == 0, xp.copysign(math.inf, -y), found).astype(kind)


def zeta_array(xp: Any, s: float, x: Any) -> Any:
    """Return Hurwitz's zeta(s, x) for x > 0: a sum of powers and Euler and Maclaurin's tail."""
    kind, y = x.dtype, xp.asarray(x, dtype="float64")
    far, passed = _shifted(xp, y, lambda v: v**-s)
    tail = far ** (1 - s) / (s - 1) + 0.5 * far**-s
    factor = s
    for n, b in enumerate(_BERNOULLI, 1):
        tail = tail + b / math.factorial(2 * n) * factor * far ** (-s - 2 * n + 1)
        factor *= (s + 2 * n - 1) * (s + 2 * n)
    return (tail + passed).astype(kind)


lgamma: Callable[[Tensor], Tensor] = unary("lgamma", lgamma_array, x=lambda g, x: g * digamma(x))
digamma: Callable[[Tensor], Tensor] = unary(
    "digamma", digamma_array, x=lambda g, x: g * _polygamma(x, n=1)
)
_polygamma: Op = Op(
    "polygamma",
    lambda xp, x, *, n: (-1) ** (n + 1) * math.factorial(n) * polygamma_array(xp, n, x),
    {"x": lambda g, x, n: g * _polygamma(x, n=n + 1)},
)


def polygamma_array(xp: Any, n: int, x: Any) -> Any:
    """Return zeta(n + 1, x), reflected where x is negative and n is 1.

    Other n take as many steps of the recurrence as the least x lies below ten.
    """
    y = xp.asarray(x, dtype="float64")
    if n != 1:
        pole = (y <= 0) & (y == xp.floor(y))
        found = xp.where(pole, math.inf, zeta_array(xp, n + 1, xp.where(pole, 1.0, y)))
        return found.astype(x.dtype)
    low = y < 0.5
    value = zeta_array(xp, 2, xp.where(low, 1 - y, y))
    sine = xp.sin(math.pi * (y - xp.floor(y)))
    mirrored = (math.pi / xp.where(low, sine, 1.0)) ** 2 - value
    return xp.where(low, mirrored, value).astype(x.dtype)


@function(method=False)
def polygamma(n: int, input: Tensor) -> Tensor:
    """Return the n-th derivative of digamma; 0 is digamma itself."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    x = input if input.dtype.is_floating_point else input.float()
    return digamma(x) if not n else _polygamma(x, n=int(n))


def _polygamma_method(self: Tensor, n: int) -> Tensor:
    return polygamma(n, self)


Tensor.polygamma = _polygamma_method  # type: ignore[attr-defined]
publish_inplace("polygamma", _polygamma_method)


@function(inplace=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """Return the logarithm of the multivariate gamma function of dimension `p`."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    x = input if input.dtype.is_floating_point else input.float()
    if x.array.size and bool((x <= (p - 1) / 2).any()):
        raise RuntimeError("All elements must be greater than (p-1)/2")
    shifts = arange(p, dtype=x.dtype, device=x.device) / 2
    constant = p * (p - 1) / 4 * math.log(math.pi)
    return lgamma(x.unsqueeze(-1) - shifts).sum(-1) + constant


@function(method=False)
def xlog1py(input: Any, other: Any) -> Tensor:
    """Return input * log(1 + other), 0 where input is 0."""
    return xlogy(input, 1 + other)


@function(method=False)
def entr(input: Tensor) -> Tensor:
    """Return -x log(x), 0 at zero, -inf below."""
    return where(input < 0, -math.inf, -xlogy(input, input.clamp(min=0)))


@function(method=False)
def ndtr(input: Tensor) -> Tensor:
    """Return the area under the normal curve up to each element."""
    return 0.5 * erfc(-input / math.sqrt(2))


@function(method=False)
def ndtri(input: Tensor) -> Tensor:
    """Return where the area under the normal curve is each element."""
    return math.sqrt(2) * erfinv(2 * input - 1)


@function(method=False)
def log_ndtr(input: Tensor) -> Tensor:
    """Return the logarithm of `ndtr`, by its asymptotic series below -10."""
    far = input < -10
    x = where(far, input, -10.0)
    inverse = 1 / (x * x)
    series = 1 - inverse * (1 - 3 * inverse * (1 - 5 * inverse * (1 - 7 * inverse)))
    tail = -x * x / 2 - (-x).log() - 0.5 * math.log(2 * math.pi) + series.log()
    return where(far, tail, ndtr(where(far, 0.0, input)).log())

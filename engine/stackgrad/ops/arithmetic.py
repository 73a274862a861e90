"""Element by element: signs, exponents, divisors, and what ignores NaN."""

# ruff: noqa: ARG005  (every function of the table takes the array module first)
from __future__ import annotations

import math
from typing import Any

from stackgrad import dtypes
from stackgrad.ops.elementwise import pow as power
from stackgrad.ops.elementwise import share_of, where
from stackgrad.ops.table import Op, attach, binary, function
from stackgrad.tensor import Tensor, wrap


def heaviside_array(xp: Any, x: Any, other: Any) -> Any:
    """Return 0 below zero, 1 above, `other` at zero, in any dtype."""
    one = x.dtype.type(1)
    found = xp.where(x == 0, other, xp.where(x < 0, x.dtype.type(0), one))
    return xp.where(xp.isnan(x), x, found) if x.dtype.kind in "fV" else found


copysign = binary(
    "copysign",
    lambda xp, x, other: xp.copysign(x, other),
    to_float=True,
    x=lambda g, x, y: g * where(x == 0, 0.0, x.sign() * y.sign()),
    other=lambda g: g * 0,
)
heaviside = binary("heaviside", heaviside_array)
gcd = binary("gcd", lambda xp, x, other: xp.gcd(x, other))
lcm = binary("lcm", lambda xp, x, other: xp.lcm(x, other))
fmax = binary(
    "fmax",
    lambda xp, x, other: xp.fmax(x, other),
    x=lambda g, x, other: g * share_of((x > other) | other.isnan(), x == other),
    other=lambda g, x, other: g * share_of((x < other) | x.isnan(), x == other),
)
fmin = binary(
    "fmin",
    lambda xp, x, other: xp.fmin(x, other),
    x=lambda g, x, other: g * share_of((x < other) | other.isnan(), x == other),
    other=lambda g, x, other: g * share_of((x > other) | x.isnan(), x == other),
)
logaddexp2 = binary(
    "logaddexp2",
    lambda xp, x, other: xp.logaddexp2(x, other),
    to_float=True,
    x=lambda g, x, y: g * (x - y).exp2(),
    other=lambda g, other, y: g * (other - y).exp2(),
)
_angle: Op = Op(
    "angle",
    lambda xp, x: xp.where(xp.isnan(x), x, xp.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0))),
    {"x": lambda g: g * 0},
)


@function(inplace=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """Return input * 2 ** other."""
    return input * power(2.0, other)


@function()
def frexp(input: Tensor) -> tuple[Tensor, Tensor]:
    """Return mantissas from [0.5, 1) and the exponents of 2 (int32) that give the elements."""
    _, exponent = input.device.xp.frexp(input.array)
    exponents = wrap(exponent.astype("int32"), input.device)
    return input * power(2.0, -exponents.to(input.dtype)), exponents


def float_power(input: Any, exponent: Any) -> Tensor:
    """Return `input` to the power of `exponent` in float64."""
    base = input.double() if isinstance(input, Tensor) else float(input)
    other = exponent.double() if isinstance(exponent, Tensor) else float(exponent)
    return power(base, other)


function(inplace=True)(float_power)


@function()
def positive(input: Tensor) -> Tensor:
    """Return the tensor itself."""
    if input.array.dtype == bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@function()
def angle(input: Tensor) -> Tensor:
    """Return pi where an element is negative, else 0."""
    x = input if input.dtype.is_floating_point else input.to(dtypes.get_default_dtype())
    return _angle(x)


def _itself(name: str, what: str) -> None:
    def call(input: Tensor) -> Tensor:
        return input

    call.__name__, call.__doc__ = name, what
    function()(call)


for _name in ("conj", "resolve_conj", "resolve_neg", "conj_physical"):
    _itself(_name, "Return the tensor itself: its numbers are real.")
attach(
    real=property(lambda self: self),
    is_conj=lambda self: False,
    is_neg=lambda self: False,
)


@function(method=False)
def real(input: Tensor) -> Tensor:
    """Return the tensor itself: its numbers are real."""
    return input


@function()
def isreal(input: Tensor) -> Tensor:
    """Return True everywhere: the numbers are real."""
    return wrap(input.device.xp.ones(input.array.shape, bool), input.device)


@function()
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of the difference."""
    return (input - other).norm(p)


@function()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Return the sums of products over the last dimensions."""
    if not input.array.ndim or not other.array.ndim:
        return input * other
    if input.array.shape[-1] != other.array.shape[-1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors")
    a, b = input.reshape(-1, input.array.shape[-1]), other.reshape(-1, other.array.shape[-1])
    found = a @ b.transpose(0, 1)
    return found.reshape(input.array.shape[:-1] + other.array.shape[:-1])


@function()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Return the inner product of two vectors."""
    return input.dot(other)


@function(inplace=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Return the slices along `dim` scaled so that the p-norm of each is at most `maxnorm`."""
    place = dim % input.array.ndim
    others = [d for d in range(input.array.ndim) if d != place]
    size = input.norm(p, others, keepdim=True)
    factor = where(size > maxnorm, maxnorm / (size + 1e-7), 1.0)
    return input * factor


nextafter = binary("nextafter", lambda xp, x, other: xp.nextafter(x, other))


@function()
def is_nonzero(input: Tensor) -> bool:
    """Return whether the one element is not zero."""
    return bool(input)


@function()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Return whether both have the same shape."""
    return bool(input.array.shape == other.array.shape)


attach(is_signed=lambda self: self.dtype.is_signed)

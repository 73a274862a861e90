"""Element by element: arithmetic and the functions of calculus, one line each."""

# ruff: noqa: ARG005  (every function of the table takes the array module first)
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stackgrad import dtypes
from stackgrad.arrays import quiet
from stackgrad.kernels.rowwise import rectify, rectify_slope
from stackgrad.ops.special import (
    clamp_array,
    erf_array,
    erfinv_array,
    power_array,
    sigmoid_array,
    sinc_array,
)
from stackgrad.ops.table import Op, binary, cast, function, publish_alias, unary
from stackgrad.tensor import Tensor

# ---- arithmetic

add_ = binary("_add", lambda xp, x, other: xp.add(x, other), x=lambda g: g, other=lambda g: g)
sub_ = binary("_sub", lambda xp, x, other: xp.subtract(x, other), x=lambda g: g, other=lambda g: -g)
mul = binary(
    "mul",
    lambda xp, x, other: xp.multiply(x, other),
    x=lambda g, other: g * other,
    other=lambda g, x: g * x,
)
div_ = binary(
    "_div",
    lambda xp, x, other: xp.true_divide(x, other),
    to_float=True,
    x=lambda g, other: g / other,
    other=lambda g, y, other: -g * y / other,
)
floor_divide = binary(
    "floor_divide",
    lambda xp, x, other: xp.floor_divide(x, other),
    x=lambda g: g * 0,
    other=lambda g: g * 0,
)
remainder = binary(
    "remainder",
    lambda xp, x, other: xp.remainder(x, other),
    x=lambda g: g,
    other=lambda g, x, other: -g * floor_divide(x, other),
)
fmod = binary(
    "fmod",
    lambda xp, x, other: xp.fmod(x, other),
    x=lambda g: g,
    other=lambda g, x, other: -g * (x / other).trunc(),
)
maximum = binary(
    "maximum",
    lambda xp, x, other: xp.maximum(x, other),
    x=lambda g, x, other: g * share_of(x > other, x == other),
    other=lambda g, x, other: g * share_of(x < other, x == other),
)
minimum = binary(
    "minimum",
    lambda xp, x, other: xp.minimum(x, other),
    x=lambda g, x, other: g * share_of(x < other, x == other),
    other=lambda g, x, other: g * share_of(x > other, x == other),
)
atan2 = binary(
    "atan2",
    lambda xp, x, other: xp.arctan2(x, other),
    to_float=True,
    x=lambda g, x, other: g * other / (x * x + other * other),
    other=lambda g, x, other: -g * x / (x * x + other * other),
)
logaddexp = binary(
    "logaddexp",
    lambda xp, x, other: xp.logaddexp(x, other),
    to_float=True,
    x=lambda g, x, y: g * (x - y).exp(),
    other=lambda g, other, y: g * (other - y).exp(),
)
hypot = binary(
    "hypot",
    lambda xp, x, other: xp.hypot(x, other),
    to_float=True,
    x=lambda g, x, y: g * x / y,
    other=lambda g, other, y: g * other / y,
)
power = binary(
    "_pow",
    power_array,
    x=lambda g, x, other: g * power_slope(x, other),
    other=lambda g, x, y, other: g * power_growth(x, y, other),
)


def share_of(wins: Any, ties: Any) -> Any:
    """Return 1 where an operand wins, and a half where both are equal."""
    return (
        wins.astype("float32") + ties.astype("float32") * 0.5
        if isinstance(wins, Tensor)
        else wins + ties * 0.5
    )


def power_slope(x: Any, exponent: Any) -> Any:
    """Return the derivative of x ** exponent by x: zero where the exponent is."""
    if isinstance(exponent, Tensor):
        return where(exponent == 0, exponent * 0, exponent * pow(x, exponent - 1))
    return 0.0 * x if exponent == 0 else exponent * pow(x, exponent - 1)


def power_growth(x: Tensor | float, y: Tensor, exponent: Tensor) -> Tensor:
    """Return the derivative of x ** exponent by the exponent, with 0 ** positive taken as flat."""
    if isinstance(x, Tensor):
        return where((x == 0) & (exponent >= 0), y * 0, y * x.log())
    if x > 0:
        return y * math.log(x)
    return y * math.nan if x < 0 else where(exponent >= 0, y * 0, y * -math.inf)


@function(inplace=True)
def pow(input: Any, exponent: Any) -> Tensor:
    """Return `input` to the power of `exponent`; RuntimeError for negative powers of integers."""
    whole = isinstance(exponent, int) and exponent < 0
    if whole and isinstance(input, Tensor) and not input.dtype.is_floating_point:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return power(input, exponent)


@function(inplace=True)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return input + alpha * other."""
    return add_(input, other if alpha == 1 else other * alpha)


@function(inplace=True)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return input - alpha * other; RuntimeError for booleans, where `^` is meant."""
    if any(isinstance(t, Tensor) and t.dtype is dtypes.bool_ for t in (input, other)):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. Use `^` instead."
        )
    return sub_(input, other if alpha == 1 else other * alpha)


@function(inplace=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Return input / other; `rounding_mode` "floor" or "trunc" rounds the quotient."""
    if rounding_mode is None:
        return div_(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    exact = div_(input, other)
    kind = dtypes.result_type(input, other)
    return exact.trunc().to(kind)


@function(inplace=True)
def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return other - alpha * input."""
    return sub(other, input, alpha=alpha)


# ---- functions of one variable

neg = unary("neg", lambda xp, x: xp.negative(x), to_float=False, x=lambda g: -g)
abs = unary("abs", lambda xp, x: xp.absolute(x), to_float=False, x=lambda g, x: g * x.sign())
sign = unary("sign", lambda xp, x: xp.sign(x), to_float=False, x=lambda g: g * 0)
square = unary("square", lambda xp, x: xp.multiply(x, x), to_float=False, x=lambda g, x: g * 2 * x)
reciprocal = unary("reciprocal", lambda xp, x: xp.reciprocal(x), x=lambda g, y: -g * y * y)
sqrt = unary("sqrt", lambda xp, x: xp.sqrt(x), x=lambda g, y: g / (2 * y))
rsqrt = unary("rsqrt", lambda xp, x: xp.reciprocal(xp.sqrt(x)), x=lambda g, y: -0.5 * g * y * y * y)
exp = unary("exp", lambda xp, x: xp.exp(x), x=lambda g, y: g * y)
exp2 = unary("exp2", lambda xp, x: xp.exp2(x), x=lambda g, y: g * y * math.log(2))
expm1 = unary("expm1", lambda xp, x: xp.expm1(x), x=lambda g, y: g * (y + 1))
log = unary("log", lambda xp, x: xp.log(x), x=lambda g, x: g / x)
log2 = unary("log2", lambda xp, x: xp.log2(x), x=lambda g, x: g / (x * math.log(2)))
log10 = unary("log10", lambda xp, x: xp.log10(x), x=lambda g, x: g / (x * math.log(10)))
log1p = unary("log1p", lambda xp, x: xp.log1p(x), x=lambda g, x: g / (x + 1))
sin = unary("sin", lambda xp, x: xp.sin(x), x=lambda g, x: g * x.cos())
cos = unary("cos", lambda xp, x: xp.cos(x), x=lambda g, x: -g * x.sin())
tan = unary("tan", lambda xp, x: xp.tan(x), x=lambda g, y: g * (1 + y * y))
asin = unary("asin", lambda xp, x: xp.arcsin(x), x=lambda g, x: g * (1 - x * x).rsqrt())
acos = unary("acos", lambda xp, x: xp.arccos(x), x=lambda g, x: -g * (1 - x * x).rsqrt())
atan = unary("atan", lambda xp, x: xp.arctan(x), x=lambda g, x: g / (1 + x * x))
sinh = unary("sinh", lambda xp, x: xp.sinh(x), x=lambda g, x: g * x.cosh())
cosh = unary("cosh", lambda xp, x: xp.cosh(x), x=lambda g, x: g * x.sinh())
tanh = unary("tanh", lambda xp, x: xp.tanh(x), x=lambda g, y: g * (1 - y * y))
asinh = unary("asinh", lambda xp, x: xp.arcsinh(x), x=lambda g, x: g * (x * x + 1).rsqrt())
acosh = unary("acosh", lambda xp, x: xp.arccosh(x), x=lambda g, x: g * (x * x - 1).rsqrt())
atanh = unary("atanh", lambda xp, x: xp.arctanh(x), x=lambda g, x: g / (1 - x * x))
erf = unary(
    "erf",
    erf_array,
    x=lambda g, x: g * (2 / math.sqrt(math.pi)) * (-x * x).exp(),
)
erfc = unary(
    "erfc",
    lambda xp, x: erf_array(xp, x, complement=True),
    x=lambda g, x: -g * (2 / math.sqrt(math.pi)) * (-x * x).exp(),
)
erfinv = unary(
    "erfinv",
    erfinv_array,
    x=lambda g, y: g * (math.sqrt(math.pi) / 2) * (y * y).exp(),
)
sigmoid = unary("sigmoid", sigmoid_array, x=lambda g, y: g * y * (1 - y))
floor = unary(
    "floor",
    lambda xp, x: x if x.dtype.kind in "iu" else xp.floor(x),
    to_float=False,
    x=lambda g: g * 0,
)
ceil = unary(
    "ceil",
    lambda xp, x: x if x.dtype.kind in "iu" else xp.ceil(x),
    to_float=False,
    x=lambda g: g * 0,
)
trunc = unary(
    "trunc",
    lambda xp, x: x if x.dtype.kind in "iu" else xp.trunc(x),
    to_float=False,
    x=lambda g: g * 0,
)
round_ = unary(
    "_round",
    lambda xp, x: x if x.dtype.kind in "iu" else xp.rint(x),
    to_float=False,
    x=lambda g: g * 0,
)
frac = unary("frac", lambda xp, x: x - xp.trunc(x), to_float=False, x=lambda g: g)
_relu_slope: Op = Op(
    "relu_backward", rectify_slope, {"h": lambda g, output: _relu_slope(g, output.detach())}
)
relu = unary("relu", rectify, to_float=False, x=lambda g, y: _relu_slope(g, y.detach()))
sinc = unary("sinc", sinc_array, x=lambda g, x, y: g * sinc_slope(x, y))
deg2rad = unary(
    "deg2rad", lambda xp, x: x * x.dtype.type(math.pi / 180), x=lambda g: g * (math.pi / 180)
)
rad2deg = unary(
    "rad2deg", lambda xp, x: x * x.dtype.type(180 / math.pi), x=lambda g: g * (180 / math.pi)
)


def sinc_slope(x: Tensor, y: Tensor) -> Tensor:
    """Return the derivative of sinc: (cos(pi x) - sinc(x)) / x, 0 at zero."""
    safe = where(x == 0, 1.0, x)
    return where(x == 0, 0.0 * x, ((x * math.pi).cos() - y) / safe)


# ---- choice

_where: Op = Op(
    "where",
    lambda xp, condition, x, other: xp.where(condition, x, other),
    {
        "x": lambda g, condition: g * condition,
        "other": lambda g, condition: g * condition.logical_not(),
    },
)


@function(method=False)
def where(condition: Tensor, input: Any = None, other: Any = None) -> Tensor:
    """Return `input` where `condition` holds, else `other`; without both, the indices where it holds."""
    if input is None:
        return condition.nonzero(as_tuple=True)  # a tuple, as in PyTorch
    kind = dtypes.result_type(input, other).numpy
    device = condition.device
    for operand in (input, other):
        if isinstance(operand, Tensor) and operand.array.ndim:
            device = operand.device
    operands = [o if isinstance(o, Tensor) else _constant(o, kind, device) for o in (input, other)]
    operands = [o if o.device is device else o.to(device) for o in operands]
    tracked = any(o.requires_grad for o in operands)
    arrays = [condition.array if condition.array.dtype == bool else condition.array != 0]
    arrays += [cast(o.array, kind) for o in operands]
    return _where.run(device, arrays, (condition, *operands), {}, tracked)


def _constant(number: Any, kind: Any, device: Any) -> Tensor:
    from stackgrad.tensor import wrap

    return wrap(quiet.run(device.xp.asarray, number, dtype=kind), device)


@function(inplace=True)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Keep the elements within [min, max]; the gradient passes where they lie within."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    operands = [o for o in (input, min, max) if o is not None]
    kind = dtypes.result_type(*operands)
    x = input.to(kind) if input.dtype is not kind else input
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        return _clamp(x, low=min, high=max)
    if min is not None:
        x = where(x < min, min, x)
    return x if max is None else where(x > max, max, x)


def within(x: Tensor, low: float | None, high: float | None) -> Tensor:
    """Return where x lies in [low, high]."""
    above = x >= (-math.inf if low is None else low)
    return above if high is None else above & (x <= high)


_clamp: Op = Op(
    "clamp",
    lambda xp, x, *, low, high: clamp_array(xp, x, low, high),
    {"x": lambda g, x, low, high: g * within(x, low, high)},
)


@function(inplace=True)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Return the larger of each element and `min`."""
    return clamp(input, min)


@function(inplace=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Return the smaller of each element and `max`."""
    return clamp(input, None, max)


# ---- compositions


_ALIASES: dict[str, Callable[..., Tensor]] = {
    "subtract": sub,
    "multiply": mul,
    "divide": div,
    "true_divide": div,
    "negative": neg,
    "absolute": abs,
    "arcsin": asin,
    "arccos": acos,
    "arctan": atan,
    "arctan2": atan2,
    "arcsinh": asinh,
    "arccosh": acosh,
    "arctanh": atanh,
    "fix": trunc,
    "clip": clamp,
    "sgn": sign,
}
for _name, _call in _ALIASES.items():
    publish_alias(_name, _call)

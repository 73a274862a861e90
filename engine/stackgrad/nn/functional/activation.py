"""Activation functions, softmax among them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stackgrad.amp import raised
from stackgrad.kernels.cuda import elements as cuda_elements
from stackgrad.kernels.cuda import rows as cuda_rows
from stackgrad.kernels.rowwise import GeluTanh
from stackgrad.ops import elementwise as e
from stackgrad.ops.elementwise import where
from stackgrad.ops.fused import Fused
from stackgrad.ops.table import Op, function
from stackgrad.ops.views import dim_of
from stackgrad.tensor import Tensor

__all__ = [
    "celu",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "normalize",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]

# ---- softmax


def softmax_array(xp: Any, x: Any, dim: int) -> Any:
    """Return exp(x) / sum(exp(x)) along `dim`, the largest element taken out first."""
    if xp is not np:
        return cuda_rows.softmax(xp, x, dim)
    wide = x.astype("float32") if x.itemsize == 2 else x
    if not x.size:
        return x.copy()
    y = xp.subtract(wide, xp.max(wide, axis=dim, keepdims=True))
    xp.exp(y, out=y)
    y /= xp.sum(y, axis=dim, keepdims=True)
    return y.astype(x.dtype, copy=False)


def log_softmax_array(xp: Any, x: Any, dim: int) -> Any:
    """Return x - log(sum(exp(x))) along `dim`, the largest element taken out first."""
    if xp is not np:
        return cuda_rows.softmax(xp, x, dim, logarithm=True)
    wide = x.astype("float32") if x.itemsize == 2 else x
    if not x.size:
        return x.copy()
    y = xp.subtract(wide, xp.max(wide, axis=dim, keepdims=True))
    y -= xp.log(xp.sum(xp.exp(y), axis=dim, keepdims=True))
    return y.astype(x.dtype, copy=False)


_softmax: Op = Op(
    "softmax",
    lambda xp, x, *, dim: softmax_array(xp, x, dim),
    {"x": lambda g, y, dim: _softmax_slope(g, y, dim=dim)},
)
_log_softmax: Op = Op(
    "log_softmax",
    lambda xp, x, *, dim: log_softmax_array(xp, x, dim),
    {"x": lambda g, y, dim: _log_softmax_slope(g, y, dim=dim)},
)
_softmax_slope: Fused = Fused(
    "softmax_backward",
    lambda g, y, *, dim: y * (g - (g * y).sum(dim, keepdim=True)),
    cuda=cuda_rows.SoftmaxSlope(logarithm=False),
)
_log_softmax_slope: Fused = Fused(
    "log_softmax_backward",
    lambda g, y, *, dim: g - y.exp() * g.sum(dim, keepdim=True),
    cuda=cuda_rows.SoftmaxSlope(logarithm=True),
)


def _along(op: Op, input: Tensor, dim: int | None, dtype: Any) -> Tensor:
    x = raised(input) if dtype is None else input.to(dtype)
    if dim is None:
        dim = 0 if x.array.ndim in (0, 1, 3) else 1
    if not x.array.ndim:
        return op(x.reshape(1), dim=0).reshape(())
    return op(x, dim=dim_of(dim, x.array.ndim))


@function()
def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`."""
    return _along(_softmax, input, dim, dtype)


@function()
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return log(softmax(x)) along `dim`."""
    return _along(_log_softmax, input, dim, dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return softmax(-x) along `dim`."""
    return _along(_softmax, -input, dim, dtype)


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,  # noqa: ARG001  (PyTorch has it and does not use it either)
    dim: int = -1,
) -> Tensor:
    """Return softmax((logits + Gumbel noise) / tau), or its one-hot form with the soft gradient."""
    noise = -(logits.detach() * 0).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    one_hot = (soft.detach() * 0).scatter(dim, index, value=1.0)
    return one_hot - soft.detach() + soft


# ---- element by element

sigmoid, tanh = e.sigmoid, e.tanh


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0)."""
    return relu_(input) if inplace else e.relu(input)


def relu_(input: Tensor) -> Tensor:
    """Apply `relu` in place."""
    found: Tensor = input.relu_()
    return found


_R = math.sqrt(2 / math.pi)


def _gelu_tanh_formula(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + (_R * (x + 0.044715 * x * x * x)).tanh())


_gelu_tanh: Fused = Fused(
    "gelu_tanh", _gelu_tanh_formula, cpu=GeluTanh, cuda=cuda_elements.gelu_tanh
)


_gelu: Fused = Fused(
    "gelu", lambda x: 0.5 * x * (1 + (x * math.sqrt(0.5)).erf()), cuda=cuda_elements.gelu
)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x * Phi(x), Phi the normal distribution, or its tanh form (Hendrycks and Gimpel, 2016)."""
    if approximate == "tanh":
        return _gelu_tanh(input)
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _gelu(input)


_silu: Fused = Fused("silu", lambda x: x * x.sigmoid(), cuda=cuda_elements.silu)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x * sigmoid(x)."""
    return _finish(input, _silu(input), inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x * tanh(softplus(x))."""
    return _finish(input, input * softplus(input).tanh(), inplace)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """Return log(1 + exp(beta * x)) / beta; x itself where beta * x is above `threshold`."""
    scaled = input * beta
    return where(
        scaled > threshold,
        input,
        where(scaled > threshold, 0.0 * input, scaled).exp().log1p() / beta,
    )


def logsigmoid(input: Tensor) -> Tensor:
    """Return log(sigmoid(x)) = min(x, 0) - log(1 + exp(-|x|))."""
    return input.clamp(max=0) - (-input.abs()).exp().log1p()


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    return input / (1 + input.abs())


def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x)."""
    return input - input.tanh()


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else negative_slope * x."""
    return _finish(input, where(input > 0, input, input * negative_slope), inplace)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Apply `leaky_relu` in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha * (exp(x) - 1)."""
    return _finish(input, where(input > 0, input, alpha * input.clamp(max=0).expm1()), inplace)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Apply `elu` in place."""
    return elu(input, alpha, inplace=True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha * (exp(x / alpha) - 1)."""
    return _finish(
        input, where(input > 0, input, alpha * (input.clamp(max=0) / alpha).expm1()), inplace
    )


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return the self-normalising ELU (Klambauer et al., 2017)."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return _finish(input, scale * elu(input, alpha), inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """Return x kept within [min_val, max_val]; no gradient at the ends, unlike `clamp`."""
    inside = (input > min_val) & (input < max_val)
    return _finish(input, where(inside, input, input.detach().clamp(min_val, max_val)), inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x + 3, 0), 6) / 6."""
    return _finish(input, hardtanh(input + 3, 0.0, 6.0) / 6, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x * hardsigmoid(x)."""
    return _finish(input, input * hardtanh(input + 3, 0.0, 6.0) / 6, inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x where |x| > lambd, else 0."""
    return where((input > lambd) | (input < -lambd), input, 0.0 * input.detach())


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x moved towards 0 by `lambd`."""
    return where(input > lambd, input - lambd, where(input < -lambd, input + lambd, 0.0 * input))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x where it is above `threshold`, else `value`."""
    return _finish(input, where(input > threshold, input, value), inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x where it is positive, else weight * x; `weight` has one element, or one per channel."""
    if weight.array.size > 1 and input.array.ndim > 1:
        weight = weight.reshape((1, -1) + (1,) * (input.array.ndim - 2))
    return where(
        input > 0, input, weight.reshape(()) * input if weight.array.size == 1 else weight * input
    )


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Return `leaky_relu` with a slope drawn from [lower, upper] per element, or their mean."""
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slope = input.detach().clone().uniform_(lower, upper)
    return _finish(input, where(input > 0, input, input * slope), inplace)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return a * sigmoid(b), the halves of the input along `dim`."""
    a, b = input.chunk(2, dim)
    return a * b.sigmoid()


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None
) -> Tensor:
    """Return x / max(norm(x), eps) along `dim`."""
    if out is not None:
        raise NotImplementedError("normalize(out=) is not implemented in stackgrad")
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def _finish(input: Tensor, result: Tensor, inplace: bool) -> Tensor:
    if not inplace:
        return result
    from stackgrad.ops.mutation import overwrite

    return overwrite(input, result)

"""Starting values, written into tensors in place."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.grad_mode import no_grad
from stackgrad.tensor import Tensor, wrap

_GAINS = {"relu": math.sqrt(2), "tanh": 5 / 3, "selu": 0.75}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which an activation shrinks what passes it; ValueError if unknown."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1.0
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs and outputs an element of a weight (out, in, ...) connects."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area


_calculate_fan_in_and_fan_out = _fans


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers from [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with normal numbers."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Fill with normal numbers kept within [a, b], by the inverse of the distribution."""

    def below(x: float) -> float:
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    with no_grad():
        tensor.uniform_(2 * below(a) - 1, 2 * below(b) - 1, generator=generator)
        return tensor.erfinv_().mul_(std * math.sqrt(2)).add_(mean).clamp_(a, b)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity."""
    with no_grad():
        return tensor.copy_(wrap(tensor.device.xp.eye(*tensor.array.shape), tensor.device))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers that keep the variance forwards and backwards (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Do the same with normal numbers."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), generator)


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _fans(tensor)[("fan_in", "fan_out").index(mode)]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill with numbers that keep the variance through rectifiers (He et al., 2015)."""
    bound = math.sqrt(3) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Do the same with normal numbers."""
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a matrix whose rows or columns are orthonormal (Saxe et al., 2013)."""
    shape, xp = tensor.array.shape, tensor.device.xp
    rows = shape[0]
    with no_grad():
        flat = (
            tensor.new_empty((rows, tensor.array.size // rows)).normal_(generator=generator).array
        )
        q, r = xp.linalg.qr((flat.T if flat.shape[0] < flat.shape[1] else flat).astype("float64"))
        q = q * xp.sign(xp.diag(r))
        q = q.T if flat.shape[0] < flat.shape[1] else q
        return tensor.copy_(wrap(xp.ascontiguousarray(q * gain).reshape(shape), tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that it passes its input on."""
    shape = tensor.array.shape
    out = shape[0] // groups
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for d in range(min(out, shape[1])):
                centre = (group * out + d, d, *(s // 2 for s in shape[2:]))
                tensor.array[centre] = 1
    return tensor


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix with normal numbers, the given share of each column zero."""
    from stackgrad.ops.sampling import rand

    rows, columns = tensor.array.shape
    with no_grad():
        order = rand(rows, columns, generator=generator).argsort(0)
        tensor.normal_(0, std, generator=generator)
        return tensor.mul_((order >= math.ceil(sparsity * rows)).to(tensor.dtype))

"""The operators of Python, each the operation of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stackgrad.ops import comparison as c
from stackgrad.ops import elementwise as e
from stackgrad.ops.linalg import matmul
from stackgrad.ops.table import attach
from stackgrad.tensor import Tensor

Binary = Callable[[Any, Any], Any]
_KNOWN = (Tensor, int, float, np.number, np.bool_)


def _forward(call: Binary) -> Binary:
    """Return `call` as an operator that leaves operands which it does not know to Python."""
    return lambda self, other: call(self, other) if isinstance(other, _KNOWN) else NotImplemented


def _backward(call: Binary) -> Binary:
    return lambda self, other: call(other, self) if isinstance(other, _KNOWN) else NotImplemented


def _equality(call: Binary, otherwise: bool) -> Binary:
    """Compare by element with tensors and numbers, by identity with all else."""

    def compare(self: Tensor, other: Any) -> Any:
        if isinstance(other, _KNOWN):
            return call(self, other)
        plain = other is None or isinstance(other, (str, tuple, list))
        return otherwise if plain else NotImplemented

    return compare


_ARITHMETIC: dict[str, Binary] = {
    "add": e.add_,
    "sub": e.sub,
    "mul": e.mul,
    "truediv": e.div_,
    "floordiv": e.floor_divide,
    "mod": e.remainder,
    "pow": e.pow,
    "and": c.bitwise_and,
    "or": c.bitwise_or,
    "xor": c.bitwise_xor,
    "lshift": c.bitwise_left_shift,
    "rshift": c.bitwise_right_shift,
}
for _name, _call in _ARITHMETIC.items():
    attach(**{f"__{_name}__": _forward(_call), f"__r{_name}__": _backward(_call)})

for _name, _method in {
    "iadd": "add_",
    "isub": "sub_",
    "imul": "mul_",
    "itruediv": "div_",
    "ifloordiv": "floor_divide_",
    "imod": "remainder_",
    "ipow": "pow_",
    "iand": "bitwise_and_",
    "ior": "bitwise_or_",
    "ixor": "bitwise_xor_",
}.items():
    attach(**{f"__{_name}__": getattr(Tensor, _method)})

attach(
    __neg__=e.neg,
    __abs__=e.abs,
    __invert__=c.bitwise_not,
    __matmul__=lambda self, other: (
        matmul(self, other) if isinstance(other, Tensor) else NotImplemented
    ),
    __lt__=_forward(c.lt),
    __le__=_forward(c.le),
    __gt__=_forward(c.gt),
    __ge__=_forward(c.ge),
    __eq__=_equality(c.eq, otherwise=False),
    __ne__=_equality(c.ne, otherwise=True),
    where=lambda self, condition, other: e.where(condition, self, other),
)

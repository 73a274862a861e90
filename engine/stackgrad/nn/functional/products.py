"""Products of two inputs with one weight."""

from __future__ import annotations

from stackgrad.ops.linalg import einsum
from stackgrad.tensor import Tensor

__all__ = ["bilinear"]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return input1 @ weight[k] @ input2 + bias for every output k: (..., in1), (..., in2) to (..., out)."""
    found: Tensor = einsum("...i,oij,...j->...o", input1, weight, input2)
    return found if bias is None else found + bias

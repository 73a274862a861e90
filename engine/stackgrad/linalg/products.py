"""Products, powers and the exponential of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stackgrad.linalg.errors import check_matrices
from stackgrad.linalg.solving import inv
from stackgrad.ops.joining import stack
from stackgrad.ops.linalg import cross as cross_product
from stackgrad.ops.linalg import matmul
from stackgrad.ops.views import broadcast_tensors
from stackgrad.tensor import Tensor

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_exp",
    "matrix_power",
    "multi_dot",
    "vander",
    "vecdot",
]


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the cross products along a dimension of size 3."""
    a, b = broadcast_tensors(input, other)
    if a.array.shape[dim] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3")
    return cross_product(a, b, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return a view of a diagonal, as the last dimension."""
    return A.diagonal(offset, dim1, dim2)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Return the inner products along `dim`."""
    return (x * y).sum(dim)


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Return the n-th power by repeated squaring, of the inverse where n is negative."""
    if A.array.ndim < 2 or A.array.shape[-1] != A.array.shape[-2]:
        raise RuntimeError("linalg.matrix_power: A must be batches of square matrices")
    if n < 0:
        return matrix_power(inv(A), -n)
    if not n:
        size = A.array.shape[-1]
        return (A * 0) + A.new_zeros(size).add(1).diag_embed()
    found, square = None, A
    while n:
        if n & 1:
            found = square if found is None else found @ square
        n >>= 1
        square = square @ square if n else square
    return found if found is not None else A


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Return the product of matrices in the order that takes the fewest multiplications."""
    parts = list(tensors)
    if len(parts) < 2:
        raise RuntimeError("multi_dot(): expected at least 2 tensors")
    row, column = parts[0].array.ndim == 1, parts[-1].array.ndim == 1
    parts[0] = parts[0].unsqueeze(0) if row else parts[0]
    parts[-1] = parts[-1].unsqueeze(1) if column else parts[-1]
    sizes = [p.array.shape[0] for p in parts] + [parts[-1].array.shape[1]]
    found = _product(parts, _best_cuts(sizes), 0, len(parts) - 1)
    if row:
        found = found.squeeze(0)
    return found.squeeze(-1) if column else found


def _best_cuts(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where to cut every run of factors (Cormen et al., matrix-chain order)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            }
            cuts[i, j] = min(options, key=lambda k: options[k])
            cost[i, j] = options[cuts[i, j]]
    return cuts


def _product(parts: Sequence[Tensor], cuts: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return parts[i]
    k = cuts[i, j]
    return _product(parts, cuts, i, k) @ _product(parts, cuts, k + 1, j)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Return the powers 0 to N - 1 of each element as a last dimension."""
    x = x if x.array.ndim else x.reshape(1)
    count = x.array.shape[-1] if N is None else N
    base = x if x.dtype.is_floating_point else x.long()
    powers = [base * 0 + 1]
    for _ in range(count - 1):
        powers.append(powers[-1] * base)
    return stack(powers[:count], -1)


def matrix_exp(A: Tensor) -> Tensor:
    """Return the exponential: Taylor's series of A / 2^k to the 18th power, squared k times."""
    check_matrices("matrix_exp", A, square=True)
    if not A.array.size:
        return A.clone()
    largest = float(A.detach().abs().sum(-2).amax())
    halvings = max(0, math.ceil(math.log2(largest))) if largest > 1 else 0
    x = A / 2.0**halvings
    one = (A * 0) + A.new_zeros(A.array.shape[-1]).add(1).diag_embed()
    found = one + x / 18
    for k in range(17, 0, -1):  # Horner's scheme
        found = one + (x @ found) / k
    for _ in range(halvings):
        found = found @ found
    return found

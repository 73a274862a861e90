"""Norms of vectors and matrices, rank and condition."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.linalg.decompositions import svdvals
from stackgrad.linalg.errors import check_matrices
from stackgrad.linalg.solving import _hermitian, inv, threshold
from stackgrad.ops.statistics import norm as p_norm
from stackgrad.tensor import Tensor


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the p-norms over `dim`, over everything by default."""
    x = x if dtype is None else x.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point tensor, got {x.dtype}")
    return p_norm(x, float(ord), dim, keepdim)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return norms of matrices: "fro", "nuc", 2 and -2 of the singular values, 1 and inf of column and row sums."""
    x = A if dtype is None else A.to(dtype)
    first, second = (d % x.array.ndim for d in dim)
    if ord == "fro":
        return p_norm(x, 2.0, (first, second), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(x.movedim((first, second), (-2, -1)))
        found = s.sum(-1) if ord == "nuc" else s.amax(-1) if ord == 2 else s.amin(-1)
    elif ord in (1, -1, math.inf, -math.inf):
        added, other = (first, second) if abs(ord) == 1 else (second, first)
        sums = x.abs().sum(added, keepdim=True)
        found = (sums.amax if ord > 0 else sums.amin)((added, other))
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if keepdim:
        for d in sorted((first, second)):
            found = found.unsqueeze(d)
    return found


def norm(
    A: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return the 2-norm of all elements, or a vector or matrix norm as `ord` and `dim` say."""
    matrices = isinstance(dim, (tuple, list)) and len(dim) == 2
    if ord is None or (
        not isinstance(ord, str) and not matrices and (dim is not None or A.array.ndim < 2)
    ):
        return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
    if dim is None and A.array.ndim != 2:
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D."
        )
    return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    *,
    atol: Any = None,
    rtol: Any = None,
    hermitian: bool = False,
) -> Tensor:
    """Return how many singular values are above the threshold."""
    if hermitian:
        A = _hermitian(A)
    check_matrices("matrix_rank", A)
    if not A.array.size:
        return A.new_zeros(A.array.shape[:-2]).long()
    s = svdvals(A.detach())
    if tol is not None:
        atol, rtol = tol, 0.0
    return (s > threshold(A, s, atol, rtol).unsqueeze(-1)).sum(-1)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Return the norm of the matrix times that of its inverse."""
    if p in (None, 2, -2):
        s = svdvals(A)
        top, bottom = s.amax(-1), s.amin(-1)
        return bottom / top if p == -2 else top / bottom
    return matrix_norm(A, p) * matrix_norm(inv(A), p)

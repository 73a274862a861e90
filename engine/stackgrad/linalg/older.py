"""The older names of linear algebra, in the package itself and as methods, with their older arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from stackgrad.linalg import decompositions, products, solving
from stackgrad.ops.table import function
from stackgrad.tensor import Tensor


@function()
def inverse(input: Tensor) -> Tensor:
    """Return `linalg.inv`."""
    return solving.inv(input)


@function()
def det(input: Tensor) -> Tensor:
    """Return `linalg.det`."""
    return solving.det(input)


@function()
def slogdet(input: Tensor) -> solving.SlogdetResult:
    """Return `linalg.slogdet`."""
    return solving.slogdet(input)


@function()
def logdet(input: Tensor) -> Tensor:
    """Return the logarithm of the determinants, NaN where one is negative."""
    sign, size = solving.slogdet(input)
    return (sign + 1).log() - (sign.abs() + 1).log() + size


@function()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return `linalg.pinv` with its older threshold."""
    return solving.pinv(input, rtol=rcond)


@function()
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Return `linalg.cholesky`."""
    return decompositions.cholesky(input, upper=upper)


@function()
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Return A^-1 input for A of which `L` is the factor."""
    lower = L.transpose(-2, -1) if upper else L
    half = solving.solve_triangular(lower, input, upper=False)
    return solving.solve_triangular(lower.transpose(-2, -1), half, upper=True)


@function()
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """Return A^-1 for A of which `L` is the factor."""
    one = L.new_zeros(L.array.shape[-1]).add(1).diag_embed().expand(L.array.shape)
    return cholesky_solve(one, L, upper)


@function()
def qr(input: Tensor, some: bool = True) -> decompositions.QRResult:
    """Return `linalg.qr`, reduced if `some`."""
    return decompositions.qr(input, "reduced" if some else "complete")


class OldSVD(NamedTuple):
    """A = U diag(S) V^T: V, not its transpose."""

    U: Tensor
    S: Tensor
    V: Tensor


@function()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> OldSVD:
    """Return the singular value decomposition with V; zeros for U and V unless `compute_uv`."""
    u, s, vh = decompositions.svd(input, full_matrices=not some)
    v = vh.transpose(-2, -1)
    if compute_uv:
        return OldSVD(u, s, v)
    rows, columns = input.array.shape[-2:]
    lead = input.array.shape[:-2]
    return OldSVD(u.new_zeros(*lead, rows, rows), s, u.new_zeros(*lead, columns, columns))


@function()
def matrix_exp(input: Tensor) -> Tensor:
    """Return `linalg.matrix_exp`."""
    return products.matrix_exp(input)


@function()
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Return `linalg.matrix_power`."""
    return products.matrix_power(input, n)


class TriangularResult(NamedTuple):
    """The solution, and the matrix."""

    solution: Tensor
    cloned_coefficient: Tensor


@function()
def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> TriangularResult:
    """Return X with A X = b for triangular A (its transpose if `transpose`)."""
    turned = A.transpose(-2, -1) if transpose else A
    found = solving.solve_triangular(
        turned, b, upper=upper != transpose, unitriangular=unitriangular
    )
    return TriangularResult(found, A.clone())


@function(method=False)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of each element as a last dimension, the highest first unless `increasing`."""
    found = products.vander(x, N)
    return found if increasing else found.flip(-1)


@function(method=False)
def chain_matmul(*matrices: Any) -> Tensor:
    """Return `linalg.multi_dot`."""
    parts: Sequence[Tensor] = matrices[0] if isinstance(matrices[0], (list, tuple)) else matrices
    return parts[0] if len(parts) == 1 else products.multi_dot(parts)


@function(method=False)
def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """Return the sum of the singular values."""
    from stackgrad.linalg.norms import matrix_norm

    return matrix_norm(input, "nuc", dim, keepdim)

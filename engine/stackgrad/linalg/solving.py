"""Inverses, determinants and systems of linear equations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from stackgrad.linalg.decompositions import _solve, svdvals, t
from stackgrad.linalg.errors import LinAlgError, check_matrices, guarded
from stackgrad.ops.table import Op
from stackgrad.tensor import Tensor

_SINGULAR = "The diagonal element is zero, the solve could not be completed because the input matrix is singular."

_inverse: Op = Op("inv", lambda xp, x: xp.linalg.inv(x), {"x": lambda g, y: -t(y) @ g @ t(y)})


def cofactors(xp: Any, x: Any) -> Any:
    """Return the matrices of cofactors, also of singular ones: U (other singular values' products) V^T."""
    u, s, vh = xp.linalg.svd(x)
    size = s.shape[-1]
    others = xp.stack([xp.prod(xp.delete(s, i, -1), -1) for i in range(size)], -1) if size else s
    sign = xp.linalg.det(u) * xp.linalg.det(vh)
    return (u * others[..., None, :]) @ vh * xp.asarray(sign)[..., None, None]


def det_slope(g: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return det(x) inverse(x)^T, by cofactors where x is singular (which has no second derivative)."""
    if bool((y == 0).any()):
        return g[..., None, None] * _cofactors(x)
    return (g * y)[..., None, None] * t(inv(x))


_hermitian: Op = Op(
    "hermitian",
    lambda xp, x: xp.tril(x) + xp.swapaxes(xp.tril(x, -1), -2, -1),
    {"x": lambda g: (g + t(g)) / 2},
)  # what is meant where one triangle is read


def pinv_array(xp: Any, x: Any, *, cutoff: Any) -> Any:
    """Return the pseudo-inverses, singular values up to `cutoff` counted as zero."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    kept = s > cutoff[..., None]
    inverse = xp.where(kept, 1 / xp.where(kept, s, 1), 0).astype(x.dtype)
    return xp.swapaxes(vh, -2, -1) @ (inverse[..., None] * xp.swapaxes(u, -2, -1))


def pinv_slope(g: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient by Golub and Pereyra (1973), which holds for matrices of constant rank."""
    outside = t(g) @ y @ t(y)
    inside = t(y) @ y @ t(g)
    return outside - x @ (y @ outside) + inside - (inside @ y) @ x - t(y) @ g @ t(y)


_cofactors: Op = Op("cofactors", cofactors, {})
_det: Op = Op("det", lambda xp, x: xp.asarray(xp.linalg.det(x)), {"x": det_slope})
_log_det: Op = Op(
    "logabsdet",
    lambda xp, x: xp.asarray(xp.linalg.slogdet(x)[1]),
    {"x": lambda g, x: t(inv(x)) * g[..., None, None]},
)
_sign_det: Op = Op(
    "signdet", lambda xp, x: xp.asarray(xp.linalg.slogdet(x)[0]), {"x": lambda x: x * 0}
)
_pinv: Op = Op("pinv", pinv_array, {"x": pinv_slope})


def inv(A: Tensor) -> Tensor:
    """Return the inverses; LinAlgError for a singular matrix."""
    check_matrices("inv", A, square=True)
    found: Tensor = guarded("inv", _SINGULAR, _inverse, A)
    return found


class InverseResult(NamedTuple):
    """The inverse, and 0 where there is one."""

    inverse: Tensor
    info: Tensor


def inv_ex(A: Tensor, *, check_errors: bool = False) -> InverseResult:
    """Return the inverse and 0; for a singular matrix infinity and 1, or LinAlgError if that is asked for."""
    info = A.new_zeros(A.array.shape[:-2]).int()
    try:
        return InverseResult(inv(A), info)
    except LinAlgError:
        if check_errors:
            raise
        return InverseResult(A * 0 + math.inf, info + 1)


def det(A: Tensor) -> Tensor:
    """Return the determinants."""
    check_matrices("det", A, square=True)
    return _det(A)


class SlogdetResult(NamedTuple):
    """Sign of the determinant and logarithm of its size."""

    sign: Tensor
    logabsdet: Tensor


def slogdet(A: Tensor) -> SlogdetResult:
    """Return sign and logarithm of the determinants."""
    check_matrices("slogdet", A, square=True)
    return SlogdetResult(_sign_det(A), _log_det(A))


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Return X with A X = B (X A = B if not `left`); B may be one vector per matrix."""
    check_matrices("solve", A, square=True)
    vector = B.array.ndim == 1 or (
        A.array.ndim - 1 == B.array.ndim and B.array.shape == A.array.shape[:-1]
    )
    right = B.unsqueeze(-1) if vector else B
    if left:
        found: Tensor = guarded("solve", _SINGULAR, _solve, A, right)
    else:
        found = t(guarded("solve", _SINGULAR, _solve, t(A), t(right)))
    return found.squeeze(-1) if vector else found


class SolveResult(NamedTuple):
    """The solution, and 0 where there is one."""

    result: Tensor
    info: Tensor


def solve_ex(
    A: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    check_errors: bool = False,
) -> SolveResult:
    """Return X with A X = B and 0; for a singular matrix LinAlgError, as `check_errors` asks for."""
    del check_errors
    return SolveResult(solve(A, B, left=left), A.new_zeros(A.array.shape[:-2]).int())


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Tensor:
    """Return X with A X = B for triangular A, of which the other triangle is not read."""
    check_matrices("solve_triangular", A, square=True)
    triangle = A.triu() if upper else A.tril()
    if unitriangular:
        size = A.array.shape[-1]
        one = A.new_zeros(size).add(1).diag_embed()
        triangle = (triangle.triu(1) if upper else triangle.tril(-1)) + one
    if left:
        found: Tensor = guarded("solve_triangular", _SINGULAR, _solve, triangle, B)
        return found
    return t(guarded("solve_triangular", _SINGULAR, _solve, t(triangle), t(B)))


def pinv(
    A: Tensor,
    *,
    atol: Any = None,
    rtol: Any = None,
    hermitian: bool = False,
) -> Tensor:
    """Return the pseudo-inverses; singular values up to max(atol, rtol * largest) count as zero."""
    check_matrices("pinv", A)
    if hermitian:
        A = _hermitian(A)
    if not A.array.size:
        return t(A).clone()
    s = svdvals(A.detach())
    return _pinv(A, cutoff=threshold(A, s, atol, rtol).array)


def threshold(A: Tensor, s: Tensor, atol: Any, rtol: Any) -> Tensor:
    """Return below which singular values count as zero, one per matrix."""
    from stackgrad.dtypes import finfo

    usual = (
        0.0
        if atol is not None and bool((s.new_tensor(atol) > 0).any())
        else finfo(A.dtype).eps * max(A.array.shape[-2:])
    )
    relative = s.new_tensor(usual) if rtol is None else s.new_tensor(rtol)
    absolute = s.new_tensor(0.0) if atol is None else s.new_tensor(atol)
    return (relative * s.detach().amax(-1)).maximum(absolute)


class LstsqResult(NamedTuple):
    """What minimises |A X - B|, the squared residuals, the rank, and the singular values."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def lstsq(
    A: Tensor,
    B: Tensor,
    rcond: Any = None,
    *,
    driver: str | None = None,
) -> LstsqResult:
    """Return X that minimises |A X - B|, by the pseudo-inverse whatever the `driver` of LAPACK."""
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), not {driver}"
        )
    vector = A.array.ndim - 1 == B.array.ndim and B.array.shape == A.array.shape[:-1]
    right = B.unsqueeze(-1) if vector else B
    solution = pinv(A, rtol=rcond) @ right
    rows, columns = A.array.shape[-2:]
    full = driver in (None, "gels", "gelsd", "gelss") and rows > columns
    residuals = ((A @ solution - right) ** 2).sum(-2) if full else A.new_empty(0)
    s = svdvals(A.detach())
    named = driver in (None, "gelsy", "gelsd", "gelss")
    rank = (
        (s > threshold(A, s, None, rcond).unsqueeze(-1)).sum(-1) if named else A.new_empty(0).long()
    )
    values = s if driver in ("gelsd", "gelss") else A.new_empty(0)
    return LstsqResult(solution.squeeze(-1) if vector else solution, residuals, rank, values)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse of the map from the dimensions past `ind` to those before it."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    front, back = A.array.shape[:ind], A.array.shape[ind:]
    if math.prod(front) != math.prod(back):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind])"
        )
    return inv(A.reshape(math.prod(front), -1)).reshape(*back, *front)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """Return X with tensordot(A, X, X.ndim) = B."""
    if dims is not None:
        A = A.movedim(dims, tuple(range(-len(dims), 0)))
    shape = A.array.shape[B.array.ndim :]
    return solve(A.reshape(B.array.size, -1), B.reshape(-1)).reshape(shape)

"""Decompositions: several outputs, one rule. The rules are those of Giles (2008) and Townsend (2016)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from stackgrad.arrays import quiet
from stackgrad.grad_mode import mode
from stackgrad.graph import Node, edge_to
from stackgrad.linalg.errors import LinAlgError, check_matrices, guarded
from stackgrad.ops.elementwise import where
from stackgrad.ops.joining import cat
from stackgrad.ops.table import Op
from stackgrad.tensor import Tensor, wrap


class Decomposition:
    """An operation on a matrix with several outputs; its rule gets their gradients and the outputs."""

    fresh = True

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        rule: Callable[..., Tensor],
    ) -> None:
        self.name, self.forward, self.rule = name, forward, rule

    def __call__(self, x: Tensor, **static: Any) -> tuple[Tensor, ...]:
        """Return the outputs."""
        what = "The algorithm failed to converge because the input matrix is ill-conditioned or has NaN"
        call = functools.partial(quiet.run, self.forward, **static)
        arrays = guarded(self.name, what, call, x.device.xp, x.array)
        results = tuple(wrap(x.device.xp.asarray(a), x.device) for a in arrays)
        edge = edge_to(x) if mode.enabled else None
        if edge is not None:
            saved = [(r.array, r.version, r.version[0]) for r in results]
            node = Node(self, [edge], (saved, x.device), static, len(results))
            for index, result in enumerate(results):
                result.node, result.index, result.tracked = node, index, True
        return results

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        """Apply the rule to the gradients that exist and the outputs."""
        del needs
        saved, device = node.saved
        outputs = []
        for index, (array, counter, version) in enumerate(saved):
            if counter[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"an output of {node.name()}"
                )
            output = wrap(array, device)
            if mode.enabled:
                output.node, output.index, output.tracked = node, index, True
            outputs.append(output)
        return [self.rule(list(gradients), outputs, **node.static)]


def t(x: Tensor) -> Tensor:
    """Return the matrices transposed."""
    return x.transpose(-2, -1)


def _inverse_gaps(values: Tensor) -> Tensor:
    """Return 1 / (values[j] - values[i]) with zeros on the diagonal."""
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
    same = values.new_zeros(values.array.shape[-1]).add(1).diag_embed().bool()
    return where(same, 0.0, 1 / where(same, 1.0, gaps))


def _eigh_rule(gradients: Any, outputs: Any, **_: Any) -> Tensor:
    (g, h), (values, v) = gradients, outputs
    inner = values.diag_embed() * 0 if g is None else g.diag_embed()
    if h is not None:
        inner = inner + _inverse_gaps(values) * (t(v) @ h)
    found: Tensor = v @ inner @ t(v)
    return (found + t(found)) / 2


def _symmetric(xp: Any, x: Any, upper: bool) -> Any:
    """Return the matrices that one triangle stands for."""
    half = xp.triu(x) if upper else xp.tril(x)
    return half + xp.swapaxes(xp.triu(x, 1) if upper else xp.tril(x, -1), -2, -1)


_eigh = Decomposition(
    "eigh", lambda xp, x, *, upper: xp.linalg.eigh(_symmetric(xp, x, upper)), _eigh_rule
)


class EighResult(NamedTuple):
    """Ascending eigenvalues, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """Return eigenvalues and eigenvectors of symmetric matrices, of which one triangle is read."""
    check_matrices("eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"linalg.eigh: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    values, vectors = _eigh(A, upper=UPLO.upper() == "U")
    return EighResult(values, vectors)


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of symmetric matrices, ascending."""
    return eigh(A, UPLO).eigenvalues


def _svd_rule(gradients: Any, outputs: Any, **_: Any) -> Tensor:
    (gu, gs, gvh), (u, s, vh) = gradients, outputs
    v = t(vh)
    size = s.array.shape[-1]
    u, v = u.narrow(-1, 0, size), v.narrow(-1, 0, size)
    inner = s.diag_embed() * 0 if gs is None else gs.diag_embed()
    squares = _inverse_gaps(s * s)
    found = None
    if gu is not None:
        gu = gu.narrow(-1, 0, size)
        left = t(u) @ gu
        inner = inner + squares * (left - t(left)) * s.unsqueeze(-2)
        found = (gu / s.unsqueeze(-2) - u @ (left / s.unsqueeze(-2))) @ t(v)
    if gvh is not None:
        gv = t(gvh).narrow(-1, 0, size)
        right = t(v) @ gv
        inner = inner + s.unsqueeze(-1) * (squares * (right - t(right)))
        extra = u @ (t(gv / s.unsqueeze(-2)) - t(right / s.unsqueeze(-2)) @ t(v))
        found = extra if found is None else found + extra
    core: Tensor = u @ inner @ t(v)
    return core if found is None else core + found


_svd = Decomposition("svd", lambda xp, x, *, full: xp.linalg.svd(x, full_matrices=full), _svd_rule)


class SVDResult(NamedTuple):
    """A = U diag(S) Vh, with descending singular values."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """Return the singular value decomposition. `driver` chooses among cuSOLVER's methods and is not there."""
    if driver is not None:
        raise RuntimeError(
            "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs"
        )
    check_matrices("svd", A)
    return SVDResult(*_svd(A, full=full_matrices))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Return the singular values, descending."""
    return svd(A, full_matrices=False, driver=driver).S


def _qr_rule(gradients: Any, outputs: Any, *, mode: str) -> Tensor:
    (gq, gr), (q, r) = gradients, outputs
    rows, columns = q.array.shape[-2], r.array.shape[-1]
    if mode == "complete" and rows > columns:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        )
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which mode='r' does not return"
        )
    gq = q * 0 if gq is None else gq
    gr = r * 0 if gr is None else gr
    if rows >= columns:
        return _qr_tall(q, r, gq, gr)
    square, rest = r.narrow(-1, 0, rows), r.narrow(-1, rows, columns - rows)
    g_square, g_rest = gr.narrow(-1, 0, rows), gr.narrow(-1, rows, columns - rows)
    left = _qr_tall(q, square, gq + q @ rest @ t(g_rest), g_square)  # past the square R = Q^T A
    return cat([left, q @ g_rest], -1)


def _qr_tall(q: Tensor, r: Tensor, gq: Tensor, gr: Tensor) -> Tensor:
    m = r @ t(gr) - t(gq) @ q
    return t(_solve(r, t(gq + q @ (m.tril() + t(m.tril(-1))))))


_solve: Op = Op(
    "linalg_solve",
    lambda xp, x, other: xp.linalg.solve(x, other),
    {"x": lambda g, x, y: -_solve(t(x), g) @ t(y), "other": lambda g, x: _solve(t(x), g)},
)
_qr = Decomposition("qr", lambda xp, x, *, mode: xp.linalg.qr(x, mode=mode), _qr_rule)


class QRResult(NamedTuple):
    """A = Q R, with orthonormal columns in Q and R upper triangular."""

    Q: Tensor
    R: Tensor


def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    """Return the QR decomposition: "reduced", "complete" (Q is square) or "r" (R alone, Q empty)."""
    check_matrices("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}'")
    if mode == "r":
        if A.requires_grad:
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which mode='r' does not return"
            )
        return QRResult(A.new_empty(0), _qr(A, mode="reduced")[1])
    return QRResult(*_qr(A, mode=mode))


def _halved(x: Tensor) -> Tensor:
    """Return the lower triangle with half the diagonal."""
    return x.tril() - x.diagonal(0, -2, -1).diag_embed() / 2


def _cholesky_rule(g: Tensor, y: Tensor) -> Tensor:
    inner = _solve(t(y), _halved(t(y) @ g))
    found = t(_solve(t(y), t(inner)))
    return (found + t(found)) / 2


_cholesky: Op = Op("cholesky", lambda xp, x: xp.linalg.cholesky(x), {"x": _cholesky_rule})


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return L with L L^T = A, or its transpose; LinAlgError where A is not positive definite."""
    check_matrices("cholesky", A, square=True)
    what = "The factorization could not be completed because the input is not positive-definite"
    found = guarded("cholesky", what, _cholesky, t(A) if upper else A)
    return t(found) if upper else found


class CholeskyResult(NamedTuple):
    """The factor, and 0 where it was found."""

    L: Tensor
    info: Tensor


def cholesky_ex(
    A: Tensor,
    *,
    upper: bool = False,
    check_errors: bool = False,
) -> CholeskyResult:
    """Return the factor and 0; where A is not positive definite NaN and 1, or LinAlgError if that is asked for."""
    info = A.new_zeros(A.array.shape[:-2]).int()
    try:
        return CholeskyResult(cholesky(A, upper=upper), info)
    except LinAlgError:
        if check_errors:
            raise
        return CholeskyResult(A * float("nan"), info + 1)

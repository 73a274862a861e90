"""`torch.linalg`: solving, decompositions, norms."""

from __future__ import annotations

from typing import Any

from stackgrad.linalg.decompositions import (
    cholesky,
    cholesky_ex,
    eigh,
    eigvalsh,
    qr,
    svd,
    svdvals,
)
from stackgrad.linalg.errors import LinAlgError
from stackgrad.linalg.norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from stackgrad.linalg.products import (
    cross,
    diagonal,
    matmul,
    matrix_exp,
    matrix_power,
    multi_dot,
    vander,
    vecdot,
)
from stackgrad.linalg.solving import (
    det,
    inv,
    inv_ex,
    lstsq,
    pinv,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]


def __getattr__(name: str) -> Any:
    if name in ("eig", "eigvals"):
        raise AttributeError(f"stackgrad.linalg has no {name!r}: its results are complex numbers")
    raise AttributeError(f"stackgrad.linalg has no {name!r}: it is not implemented")

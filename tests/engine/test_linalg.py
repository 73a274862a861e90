from __future__ import annotations

import pytest
import stackgrad as torch
from stackgrad import linalg
from stackgrad.testing import gradcheck, gradgradcheck


def matrix(*shape, seed=0):
    torch.manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()


def definite(x):
    return x @ x.transpose(-2, -1) + torch.eye(x.shape[-1], dtype=x.dtype)


def symmetric(x):
    return x + x.transpose(-2, -1)


FUNCTIONS = {
    "inv": linalg.inv,
    "det": linalg.det,
    "slogdet": lambda a: linalg.slogdet(a).logabsdet,
    "solve": lambda a: linalg.solve(a, a[..., :2] * 2),
    "solve_triangular": lambda a: linalg.solve_triangular(a, a, upper=True),
    "cholesky": lambda a: linalg.cholesky(definite(a)),
    "qr": lambda a: linalg.qr(a).Q * linalg.qr(a).R.diagonal(0, -2, -1).sign().unsqueeze(-2),
    "eigvalsh": lambda a: linalg.eigvalsh(symmetric(a)),
    "eigh": lambda a: linalg.eigh(symmetric(a)).eigenvectors ** 2,
    "svdvals": linalg.svdvals,
    "svd": lambda a: linalg.svd(a, full_matrices=False).U ** 2,
    "pinv": linalg.pinv,
    "matrix_exp": linalg.matrix_exp,
    "matrix_power": lambda a: linalg.matrix_power(a, 3),
    "nuclear norm": lambda a: linalg.matrix_norm(a, "nuc"),
    "3-norm": lambda a: linalg.vector_norm(a, 3),
    "multi_dot": lambda a: linalg.multi_dot([a[0], a[1], a[0]]),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_derivatives_are_right(name):
    a = matrix(2, 3, 3)
    assert gradcheck(FUNCTIONS[name], (a,))
    assert gradgradcheck(FUNCTIONS[name], (a,), fast_mode=True, atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
@pytest.mark.parametrize("name", ["qr", "svd", "pinv", "svdvals"])
def test_matrices_need_not_be_square(name, shape):
    assert gradcheck(FUNCTIONS[name], (matrix(*shape, seed=1),))


def test_a_singular_matrix_has_a_gradient_of_its_determinant_and_no_inverse():
    a = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    linalg.det(a).backward()
    assert torch.allclose(a.grad, torch.tensor([[4.0, -2.0], [-2.0, 1.0]]), atol=1e-5)
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.inv(torch.zeros(2, 2))
    with pytest.raises(linalg.LinAlgError, match="positive-definite"):
        linalg.cholesky(-torch.eye(2))


def test_what_would_be_complex_is_named():
    with pytest.raises(AttributeError, match=r"eigvals.*complex"):
        linalg.eigvals(torch.eye(2))


def test_least_squares_and_rank_of_known_matrices():
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    found = linalg.lstsq(a, torch.tensor([[1.0], [4.0], [3.0]]))
    assert torch.allclose(found.solution, torch.tensor([[1.0], [2.0]]))
    assert torch.allclose(found.residuals, torch.tensor([9.0]))
    assert linalg.matrix_rank(torch.tensor([[1.0, 2.0], [2.0, 4.0]])) == 1

"""`torch.nn.utils.parametrizations`: weights as direction and length, of bounded norm, orthogonal."""

from __future__ import annotations

from typing import Any

from stackgrad import linalg
from stackgrad.grad_mode import no_grad
from stackgrad.nn.functional.activation import normalize
from stackgrad.nn.module import Module
from stackgrad.nn.utils.parametrize import register_parametrization
from stackgrad.tensor import Tensor


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """Return the norms of the slices along `dim`, with the other dimensions of size 1; of all for None or -1."""
    if dim is None or dim == -1:
        return v.norm()
    others = [d for d in range(v.array.ndim) if d != dim % v.array.ndim]
    return v.norm(2, others, keepdim=True)


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """Return g * v / |v|."""
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the norms and the weight itself."""
        return norm_except(weight, self.dim), weight.detach().clone()


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train length and direction of the slices of a weight apart (Salimans and Kingma, 2016)."""
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if n_power_iterations < 1:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.n_power_iterations, self.eps = dim, n_power_iterations, eps
        if weight.array.ndim > 1:
            with no_grad():
                matrix = self._matrix(weight)
                rows, columns = matrix.array.shape
                u, v = (weight.new_empty(n).normal_(0, 1) for n in (rows, columns))
                self.register_buffer("_u", normalize(u, dim=0, eps=eps))
                self.register_buffer("_v", normalize(v, dim=0, eps=eps))
                self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    def _iterate(self, matrix: Tensor, count: int) -> None:
        for _ in range(count):
            self._u = normalize(matrix.mv(self._v), dim=0, eps=self.eps)
            self._v = normalize(matrix.transpose(0, 1).mv(self._u), dim=0, eps=self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight over its largest singular value, estimated by the power method."""
        if weight.array.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._iterate(matrix.detach(), self.n_power_iterations)
        return weight / self._u.dot(matrix.mv(self._v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """Return the value itself."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value (Miyato et al., 2018)."""
    turned = type(module).__name__.startswith("ConvTranspose")
    place = int(turned) if dim is None else dim
    made = _SpectralNorm(getattr(module, name), n_power_iterations, place, eps)
    return register_parametrization(module, name, made)


class _Orthogonal(Module):
    def forward(self, x: Tensor) -> Tensor:
        """Return the orthonormal factor of a matrix."""
        tall = x.array.shape[-2] >= x.array.shape[-1]
        q, r = linalg.qr(x if tall else x.transpose(-2, -1))
        q = q * r.diagonal(0, -2, -1).sign().unsqueeze(-2)
        return q if tall else q.transpose(-2, -1)

    def right_inverse(self, value: Tensor) -> Tensor:
        """Return the value itself."""
        return value


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Make a weight orthonormal, by the QR decomposition whatever PyTorch's default map is."""
    del use_trivialization
    if orthogonal_map not in (None, "householder"):
        raise NotImplementedError(
            f"orthogonal(orthogonal_map={orthogonal_map!r}) is not implemented in stackgrad"
        )
    return register_parametrization(module, name, _Orthogonal(), unsafe=True)


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"stackgrad.nn.utils.parametrizations has no {name!r}: it is not implemented"
    )

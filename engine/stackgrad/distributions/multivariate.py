"""Distributions of vectors."""

from __future__ import annotations

import math
from typing import Any

from stackgrad import linalg
from stackgrad.distributions.distribution import Distribution
from stackgrad.ops.sampling import normal
from stackgrad.tensor import Tensor


class Independent(Distribution):
    """A distribution whose last batch dimensions are one event."""

    def __init__(
        self,
        base_distribution: Any,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        count = reinterpreted_batch_ndims
        batch = tuple(base_distribution.batch_shape)
        if count > len(batch):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                f"actual {count} vs {len(batch)}"
            )
        cut = len(batch) - count
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, count
        self.has_rsample = base_distribution.has_rsample
        event = batch[cut:] + tuple(base_distribution.event_shape)
        super().__init__(batch[:cut], event, validate_args)

    def _summed(self, x: Tensor) -> Tensor:
        count = self.reinterpreted_batch_ndims
        return x.sum(tuple(range(-count, 0))) if count else x

    @property
    def mean(self) -> Tensor:
        """The mean."""
        found: Tensor = self.base_dist.mean
        return found

    @property
    def variance(self) -> Tensor:
        """The variance."""
        found: Tensor = self.base_dist.variance
        return found

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples without gradients."""
        found: Tensor = self.base_dist.sample(sample_shape)
        return found

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        found: Tensor = self.base_dist.rsample(sample_shape)
        return found

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density of the whole event."""
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return self._summed(self.base_dist.entropy())


class MultivariateNormal(Distribution):
    """Normal vectors of a mean and a covariance, its inverse, or its Cholesky factor."""

    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = [m for m in (covariance_matrix, precision_matrix, scale_tril) if m is not None]
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        if scale_tril is not None:
            self.scale_tril = scale_tril
        elif covariance_matrix is not None:
            self.scale_tril = linalg.cholesky(covariance_matrix)
        else:
            self.scale_tril = linalg.cholesky(linalg.inv(given[0]))
        size = loc.array.shape[-1]
        shape = (loc.unsqueeze(-1) + self.scale_tril).array.shape[:-2]
        self.loc = loc.expand(*shape, size)
        super().__init__(shape, (size,), validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.loc

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self.scale_tril @ self.scale_tril.transpose(-2, -1)

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return linalg.inv(self.covariance_matrix)

    @property
    def variance(self) -> Tensor:
        """The variances."""
        return (self.scale_tril**2).sum(-1)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        zero = self.loc.new_zeros(self.shape_of(sample_shape))
        drawn = normal(zero, zero + 1)
        return self.loc + (self.scale_tril @ drawn.unsqueeze(-1)).squeeze(-1)

    def _half_log_det(self) -> Tensor:
        return self.scale_tril.diagonal(0, -2, -1).log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        away = (value - self.loc).unsqueeze(-1)
        factor = self.scale_tril.expand(*away.array.shape[:-2], *self.scale_tril.array.shape[-2:])
        white = linalg.solve_triangular(factor, away, upper=False).squeeze(-1)
        size = self.loc.array.shape[-1]
        found: Tensor = (
            -0.5 * (size * math.log(2 * math.pi) + (white**2).sum(-1)) - self._half_log_det()
        )
        return found

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        size = self.loc.array.shape[-1]
        found: Tensor = 0.5 * size * (1 + math.log(2 * math.pi)) + self._half_log_det()
        return found

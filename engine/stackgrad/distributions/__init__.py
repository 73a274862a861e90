"""`torch.distributions`: probability distributions whose samples and densities can be differentiated."""

from __future__ import annotations

from typing import Any

from stackgrad.distributions.continuous import Exponential, Laplace, Normal, Uniform
from stackgrad.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    OneHotCategorical,
)
from stackgrad.distributions.distribution import Distribution
from stackgrad.distributions.divergence import kl_divergence, register_kl
from stackgrad.distributions.multivariate import Independent, MultivariateNormal

__all__ = [
    "Bernoulli",
    "Binomial",
    "Categorical",
    "Distribution",
    "Exponential",
    "Geometric",
    "Independent",
    "Laplace",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "Uniform",
    "kl_divergence",
    "register_kl",
]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.distributions has no {name!r}: it is not implemented")

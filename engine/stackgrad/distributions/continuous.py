"""Distributions of numbers on a line."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.distributions.distribution import Distribution, broadcast_all
from stackgrad.ops.elementwise import erf, erfinv, where
from stackgrad.ops.sampling import normal, rand
from stackgrad.tensor import Tensor


class Normal(Distribution):
    """The normal distribution."""

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.array.shape, (), validate_args)

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Scale is positive."""
        return {"loc": (self.loc == self.loc, "real"), "scale": (self.scale > 0, "positive")}

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.loc

    mode = mean

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return self.scale**2

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples without gradients."""
        shape = self.shape_of(sample_shape)
        return normal(self.loc.detach().expand(shape), self.scale.detach().expand(shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        shape = self.shape_of(sample_shape)
        zero = self.loc.new_zeros(shape)
        return self.loc + normal(zero, zero + 1) * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        self.check_value(value, value == value, "real")  # noqa: PLR0124  (NaN)
        squares = (value - self.loc) ** 2 / (2 * self.variance)
        return -squares - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of what is at most `value`."""
        return 0.5 * (1 + erf((value - self.loc) / (self.scale * math.sqrt(2))))

    def icdf(self, value: Tensor) -> Tensor:
        """Return where `cdf` is `value`."""
        return self.loc + self.scale * erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class Uniform(Distribution):
    """Equal chances from `low` up to but without `high`."""

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.array.shape, (), validate_args)

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Low lies below high."""
        return {"low": (self.low < self.high, "below high")}

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return (self.high + self.low) / 2

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        shape = self.shape_of(sample_shape)
        drawn = rand(shape, dtype=self.low.dtype, device=self.low.device)
        return self.low + drawn * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        self.check_value(value, (value >= self.low) & (value <= self.high), "between low and high")
        inside = (self.low <= value) & (self.high > value)
        return where(inside, 0.0, -math.inf) - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of what is at most `value`."""
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        """Return where `cdf` is `value`."""
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return (self.high - self.low).log()


class Exponential(Distribution):
    """Waiting times at a rate."""

    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.array.shape, (), validate_args)

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Rate is positive."""
        return {"rate": (self.rate > 0, "positive")}

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return 1 / self.rate

    stddev = mean

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return 1 / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        drawn = self.rate.new_zeros(self.shape_of(sample_shape)).exponential_()
        return drawn / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        self.check_value(value, value >= 0, "not negative")
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of what is at most `value`."""
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        """Return where `cdf` is `value`."""
        return -(1 - value).log() / self.rate

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return 1 - self.rate.log()


class Laplace(Distribution):
    """Two exponential distributions back to back."""

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.array.shape, (), validate_args)

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Scale is positive."""
        return {"scale": (self.scale > 0, "positive")}

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return 2 * self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        u = self.loc.new_zeros(self.shape_of(sample_shape)).uniform_(-1 + 1e-7, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density."""
        self.check_value(value, value == value, "real")  # noqa: PLR0124  (NaN)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of what is at most `value`."""
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * (-away.abs() / self.scale).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        """Return where `cdf` is `value`."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return 1 + (2 * self.scale).log()

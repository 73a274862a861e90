"""Distributions of numbers that are counted. Probabilities are given as such or as logits."""

from __future__ import annotations

from typing import Any

from stackgrad.distributions.distribution import Distribution, broadcast_all
from stackgrad.dtypes import finfo
from stackgrad.nn.functional.loss import binary_cross_entropy_with_logits
from stackgrad.nn.functional.sparse import one_hot
from stackgrad.ops.creation import arange
from stackgrad.ops.elementwise import where
from stackgrad.ops.gamma import lgamma
from stackgrad.ops.sampling import bernoulli, multinomial, rand
from stackgrad.ops.views import broadcast_tensors
from stackgrad.tensor import Tensor


def _one_of(probs: Any, logits: Any) -> None:
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def _clamped(probs: Tensor) -> Tensor:
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


class _Chance(Distribution):
    """A chance per element: `probs`, or `logits`, the logarithm of p / (1 - p)."""

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        _one_of(probs, logits)
        (given,) = broadcast_all(logits if probs is None else probs)
        self.probs = given.sigmoid() if probs is None else given
        if probs is None:
            self.logits = given
        else:
            safe = _clamped(given)
            self.logits = safe.log() - (-safe).log1p()
        super().__init__(given.array.shape, (), validate_args)

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Chances lie in [0, 1]."""
        return {"probs": ((self.probs >= 0) & (self.probs <= 1), "within [0, 1]")}


class Bernoulli(_Chance):
    """1 with a chance, else 0."""

    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.probs

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples."""
        return bernoulli(self.probs.detach().expand(self.shape_of(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability."""
        self.check_value(value, (value == 0) | (value == 1), "0 or 1")
        logits, value = broadcast_tensors(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return 0 and 1."""
        values = arange(2, dtype=self.probs.dtype, device=self.probs.device)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class Geometric(_Chance):
    """How often a trial fails before it succeeds."""

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return 1 / self.probs - 1

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples."""
        probs = self.probs.detach()
        tiny = finfo(probs.dtype).tiny
        drawn = rand(self.shape_of(sample_shape), dtype=probs.dtype, device=probs.device)
        return (drawn.clamp(min=tiny).log() / (-probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability."""
        self.check_value(value, value >= 0, "not negative")
        value, probs = broadcast_tensors(value, self.probs)
        certain = (probs == 1) & (value == 0)
        return value * (-where(certain, 0.0, probs)).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return (
            binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
        )


class Binomial(_Chance):
    """How many of `total_count` trials succeed."""

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(probs, logits, validate_args)
        self.total_count, _ = broadcast_all(total_count, self.probs)
        self._batch_shape = self.total_count.shape

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.total_count * self.probs

    @property
    def variance(self) -> Tensor:
        """The variance."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples: sums of as many trials as the largest count."""
        shape = self.shape_of(sample_shape)
        most = int(self.total_count.max()) if self.total_count.numel() else 0
        trials = bernoulli(self.probs.detach().expand(most, *shape))
        numbers = arange(most, device=self.probs.device).reshape(-1, *(1,) * len(shape))
        return where(numbers < self.total_count, trials, 0.0).sum(0)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability."""
        self.check_value(value, (value >= 0) & (value <= self.total_count), "a possible count")
        count = self.total_count
        ways = lgamma(count + 1) - lgamma(value + 1) - lgamma(count - value + 1)
        softplus = self.logits.clamp(min=0) + (-self.logits.abs()).exp().log1p()
        return ways + value * self.logits - count * softplus


class Categorical(Distribution):
    """One of several classes; `probs` are made to sum to one, `logits` too."""

    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        _one_of(probs, logits)
        given = logits if probs is None else probs
        if given.array.ndim < 1:
            raise ValueError("`probs` or `logits` must be at least one-dimensional.")
        if probs is None:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
            self.probs = self.logits.softmax(-1)
        else:
            self.probs = probs / probs.sum(-1, keepdim=True)
            self.logits = _clamped(self.probs).log()
        self._given = given
        self._by_logits = probs is None
        self._num_events = int(given.array.shape[-1])
        super().__init__(given.array.shape[:-1], (), validate_args)

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Probabilities are not negative, logits are numbers."""
        if self._by_logits:
            return {"logits": (self._given.isnan().logical_not(), "real")}
        return {"probs": (self._given >= 0, "not negative")}

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._given.shape

    @property
    def mode(self) -> Tensor:
        """The likeliest class."""
        found: Tensor = self.probs.argmax(-1)
        return found

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return classes, (*sample_shape, *batch_shape)."""
        shape = self.shape_of(sample_shape)
        count = 1
        for size in shape[: len(shape) - len(self._batch_shape)]:
            count *= size
        drawn = multinomial(self.probs.detach().reshape(-1, self._num_events), count, True)
        return drawn.transpose(0, 1).reshape(shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability."""
        self.check_value(value, (value >= 0) & (value < self._num_events), "the number of a class")
        index, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        finite = self.logits.clamp(min=finfo(self.logits.dtype).min)
        found: Tensor = -(finite * self.probs).sum(-1)
        return found

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return the numbers of the classes."""
        values = arange(self._num_events, device=self.probs.device)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class OneHotCategorical(Distribution):
    """One of several classes, as a vector with a one in its place."""

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        self.probs, self.logits = self._categorical.probs, self._categorical.logits
        shape = self.probs.array.shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean."""
        found: Tensor = self.probs
        return found

    @property
    def variance(self) -> Tensor:
        """The variance."""
        found: Tensor = self.probs * (1 - self.probs)
        return found

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return vectors, (*sample_shape, *batch_shape, classes)."""
        drawn = self._categorical.sample(sample_shape)
        return one_hot(drawn, self.probs.array.shape[-1]).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability."""
        self.check_value(value, value.sum(-1) == 1, "one-hot")
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        return self._categorical.entropy()

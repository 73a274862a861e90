"""What all distributions share: shapes, checks of arguments, and defaults of the derived quantities."""

from __future__ import annotations

from typing import Any

from stackgrad.grad_mode import no_grad
from stackgrad.layout import Size
from stackgrad.ops.creation import tensor
from stackgrad.ops.views import broadcast_tensors
from stackgrad.tensor import Tensor


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Return tensors and numbers as tensors of one shape."""
    like = next((v for v in values if isinstance(v, Tensor)), None)
    tensors = [
        v
        if isinstance(v, Tensor)
        else tensor(float(v))
        if like is None
        else tensor(float(v), dtype=like.dtype, device=like.device)
        for v in values
    ]
    return broadcast_tensors(*tensors)


class Distribution:
    """A batch of distributions over events of one shape.

    `validate_args` (True by default) checks parameters and values; ValueError says which is not in
    its domain.
    """

    has_rsample = False
    has_enumerate_support = False

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        self._validate = _checking[0] if validate_args is None else validate_args
        if self._validate:
            for name, (holds, what) in self.domains().items():
                if not bool(holds.all()):
                    raise ValueError(
                        f"Expected parameter {name} of distribution {type(self).__name__} to be {what}"
                    )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Check arguments by default, or do not."""
        _checking[0] = value

    def domains(self) -> dict[str, tuple[Tensor, str]]:
        """Return for each parameter where it is in its domain, and what that is."""
        return {}

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters differ."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one event."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def shape_of(self, sample_shape: Any) -> tuple[int, ...]:
        """Return the shape of samples."""
        lead = (sample_shape,) if isinstance(sample_shape, int) else tuple(sample_shape)
        return lead + tuple(self._batch_shape) + tuple(self._event_shape)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples without gradients, (*sample_shape, *batch_shape, *event_shape)."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Return samples through which gradients reach the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample")

    def sample_n(self, n: int) -> Tensor:
        """Return `n` samples."""
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density, or probability, of `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of what is at most `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """Return where `cdf` is `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no icdf")

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values."""
        raise NotImplementedError(f"{type(self).__name__} has no enumerate_support")

    def perplexity(self) -> Tensor:
        """Return exp(entropy)."""
        return self.entropy().exp()

    def check_value(self, value: Any, holds: Tensor, what: str) -> None:
        """Raise ValueError unless `holds` everywhere."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")  # noqa: TRY004  (PyTorch's type)
        if self._validate and not bool(holds.all()):
            raise ValueError(
                f"Expected value argument of distribution {type(self).__name__} to be {what}"
            )

    def __repr__(self) -> str:
        shown = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        parts = [
            f"{k}: {v}" if v.numel() == 1 else f"{k}: {list(v.shape)}"
            for k, v in shown.items()
            if isinstance(v, Tensor)
        ]
        return f"{type(self).__name__}({', '.join(parts)})"


_checking = [True]

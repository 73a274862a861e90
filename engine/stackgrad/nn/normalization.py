"""Normalisation layers."""

from __future__ import annotations

from typing import Any

from stackgrad.dtypes import int64
from stackgrad.nn import functional as F  # noqa: N812  (its name everywhere)
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.ops.creation import ones, tensor, zeros
from stackgrad.tensor import Tensor

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class _PerChannel(Module):
    """Scale, shift and running statistics per channel."""

    dims: tuple[int, ...] = ()
    affine_default = True
    track_default = True

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool | None = None,
        track_running_stats: bool | None = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine = self.affine_default if affine is None else affine
        self.track_running_stats = (
            self.track_default if track_running_stats is None else track_running_stats
        )
        options = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(ones(num_features, **options)) if self.affine else None
        )
        self.register_parameter(
            "bias", Parameter(zeros(num_features, **options)) if self.affine and bias else None
        )
        tracked = self.track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **options) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **options) if tracked else None)
        self.register_buffer(
            "num_batches_tracked", tensor(0, dtype=int64, device=device) if tracked else None
        )

    def reset_running_stats(self) -> None:
        """Forget the statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def _check(self, input: Tensor) -> None:
        if input.array.ndim not in self.dims:
            wanted = " or ".join(f"{d}D" for d in self.dims)
            raise ValueError(f"expected {wanted} input (got {input.array.ndim}D input)")

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_PerChannel):
    def forward(self, input: Tensor) -> Tensor:
        """Normalise per channel: by the batch in training (or without statistics), else by the running ones."""
        self._check(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1.0 / float(self.num_batches_tracked)
        by_batch = self.training or self.running_mean is None
        known = not self.training or self.track_running_stats
        mean, variance = (self.running_mean, self.running_var) if known else (None, None)
        return F.batch_norm(
            input, mean, variance, self.weight, self.bias, by_batch, factor, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L)."""

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W)."""

    dims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W)."""

    dims = (5,)


class _InstanceNorm(_PerChannel):
    affine_default = False
    track_default = False

    def forward(self, input: Tensor) -> Tensor:
        """Normalise per sample and channel, or by the running statistics in evaluation."""
        self._check(input)
        lone = input.array.ndim == self.dims[0]
        x = input.unsqueeze(0) if lone else input
        use_input = self.training or not self.track_running_stats
        found = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input,
            0.1 if self.momentum is None else self.momentum,
            self.eps,
        )
        return found.squeeze(0) if lone else found


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L)."""

    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W)."""

    dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W)."""

    dims = (4, 5)


class LayerNorm(Module):
    """Normalisation over the last dimensions."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.eps, self.elementwise_affine = eps, elementwise_affine
        options = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight",
            Parameter(ones(self.normalized_shape, **options)) if elementwise_affine else None,
        )
        self.register_parameter(
            "bias",
            Parameter(zeros(self.normalized_shape, **options))
            if elementwise_affine and bias
            else None,
        )

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (..., *normalized_shape)."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class RMSNorm(Module):
    """Division by the root of the mean square over the last dimensions."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.eps = eps
        weight = (
            Parameter(ones(self.normalized_shape, device=device, dtype=dtype))
            if elementwise_affine
            else None
        )
        self.register_parameter("weight", weight)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (..., *normalized_shape)."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """Normalisation over groups of channels."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_channels must be divisible by num_groups")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        options = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(ones(num_channels, **options)) if affine else None
        )
        self.register_parameter(
            "bias", Parameter(zeros(num_channels, **options)) if affine and bias else None
        )

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, ...)."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}"


class LocalResponseNorm(Module):
    """Normalisation over neighbouring channels."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.options = (size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, ...)."""
        return F.local_response_norm(input, *self.options)

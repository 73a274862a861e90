"""Batch, layer, group, instance and RMS normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stackgrad import dtypes
from stackgrad.grad_mode import no_grad
from stackgrad.kernels.cuda import gathering, rows
from stackgrad.kernels.rowwise import LayerNorm
from stackgrad.ops.fused import Fused
from stackgrad.tensor import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
]


def _per_channel(x: Tensor | None, ndim: int) -> Tensor | None:
    return None if x is None else x.reshape((1, -1) + (1,) * (ndim - 2))


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def standardize(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    """Return (x - mean) / sqrt(variance + eps) over `dims`; the variance divides by the count."""
    centred = x - x.mean(dims, keepdim=True)
    return centred * ((centred * centred).mean(dims, keepdim=True) + eps).rsqrt()


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last dimensions, whose sizes are `normalized_shape`."""
    shape = tuple(normalized_shape)
    if input.array.shape[input.array.ndim - len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size{list(input.array.shape)}"
        )
    return _layer_norm(input, weight, bias, width=math.prod(shape), eps=eps)


def _layer_norm_formula(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, *, width: int, eps: float
) -> Tensor:
    normal = standardize(x.reshape(-1, width), (1,), eps) if x.array.size else x
    scale, shift = (None if t is None else t.reshape(-1) for t in (weight, bias))
    return _affine(normal, scale, shift).reshape(x.array.shape)


_layer_norm: Fused = Fused("layer_norm", _layer_norm_formula, cpu=LayerNorm, cuda=rows.LayerNorm)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide by the root of the mean square over the last dimensions (Zhang and Sennrich, 2019)."""
    small = dtypes.finfo(input.dtype).eps if eps is None else eps
    return _rms_norm(input, weight, width=math.prod(normalized_shape), eps=small)


def _rms_norm_formula(x: Tensor, weight: Tensor | None, *, width: int, eps: float) -> Tensor:
    rows = x.reshape(-1, width) if x.array.size else x
    normal = rows * ((rows * rows).mean(-1, keepdim=True) + eps).rsqrt()
    return _affine(normal.reshape(x.array.shape), weight, None)


_rms_norm: Fused = Fused("rms_norm", _rms_norm_formula, cuda=rows.RMSNorm)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise (N, C, ...) per channel: over the batch in training, else by the running statistics.

    Training moves the running statistics by `momentum` towards those of the batch, the variance
    divided by count - 1.
    """
    ndim = input.array.ndim
    dims = (0, *range(2, ndim))
    scale, shift = _per_channel(weight, ndim), _per_channel(bias, ndim)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when training=False"
            )
        spread = (running_var + eps).rsqrt()
        centred = input - _per_channel(running_mean, ndim)
        return _affine(centred * _per_channel(spread, ndim), scale, shift)
    count = math.prod(input.array.shape[d] for d in dims)
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(input.array.shape)}"
        )
    if running_mean is not None and running_var is not None and input.array.size:
        with no_grad():
            batch = input.detach()
            mean = batch.mean(dims)
            variance = ((batch - _per_channel(mean, ndim)) ** 2).sum(dims) / (count - 1)
            running_mean.mul_(1 - momentum).add_(mean.to(running_mean.dtype), alpha=momentum)
            running_var.mul_(1 - momentum).add_(variance.to(running_var.dtype), alpha=momentum)
    normalize = _batch_norm if input.array.size else _batch_norm_formula
    return normalize(input, weight, bias, eps=eps)


def _batch_norm_formula(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, *, eps: float
) -> Tensor:
    ndim = x.array.ndim
    normal = standardize(x, (0, *range(2, ndim)), eps)
    return _affine(normal, _per_channel(weight, ndim), _per_channel(bias, ndim))


_batch_norm: Fused = Fused("batch_norm", _batch_norm_formula, cuda=gathering.BatchNorm)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise (N, C, ...) over each of `num_groups` groups of channels."""
    shape = input.array.shape
    if shape[1] % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, got {list(shape)} and {num_groups}"
        )
    spatial = math.prod(shape[2:])
    width = shape[1] // num_groups * spatial
    normalize = _group_norm if input.array.size else _group_norm_formula
    return normalize(input, weight, bias, width=width, eps=eps, groups=num_groups, spatial=spatial)


def _group_norm_formula(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    *,
    width: int,
    eps: float,
    groups: int,
    spatial: int,
) -> Tensor:
    del spatial
    shape, ndim = x.array.shape, x.array.ndim
    normal = standardize(x.reshape(shape[0], groups, width), (2,), eps).reshape(shape)
    return _affine(normal, _per_channel(weight, ndim), _per_channel(bias, ndim))


_group_norm: Fused = Fused("group_norm", _group_norm_formula, cuda=rows.Norm)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise (N, C, ...) per sample and channel, or by the running statistics."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    ndim = input.array.ndim
    dims = tuple(range(2, ndim))
    if running_mean is not None and running_var is not None:
        with no_grad():
            batch = input.detach()
            running_mean.mul_(1 - momentum).add_(batch.mean(dims).mean(0), alpha=momentum)
            running_var.mul_(1 - momentum).add_(batch.var(dims).mean(0), alpha=momentum)
    return _affine(
        standardize(input, dims, eps), _per_channel(weight, ndim), _per_channel(bias, ndim)
    )


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by (k + alpha * mean square over `size` neighbouring channels) ** beta (Krizhevsky et al., 2012)."""
    from stackgrad.nn.functional.padding import pad

    squares = input * input
    widths = [0, 0] * (input.array.ndim - 2) + [size // 2, (size - 1) // 2]
    neighbours = pad(squares, widths).unfold(1, size, 1).mean(-1)
    return input / (neighbours * alpha + k).pow(beta)

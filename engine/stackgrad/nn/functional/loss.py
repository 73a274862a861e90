"""Losses. `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad.amp import raised
from stackgrad.arrays import Array, checks, quiet
from stackgrad.kernels.cuda import rows
from stackgrad.kernels.rowwise import CrossEntropy
from stackgrad.nn.functional.activation import log_softmax, logsigmoid
from stackgrad.ops.composed import xlogy
from stackgrad.ops.elementwise import where
from stackgrad.ops.fused import Fused
from stackgrad.ops.views import broadcast_tensors
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]


def reduce(loss: Tensor, reduction: str, size_average: Any = None, old: Any = None) -> Tensor:
    """Apply `reduction`, or what the two old arguments of PyTorch mean."""
    if size_average is not None or old is not None:
        reduction = "none" if old is False else "sum" if size_average is False else "mean"
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return loss


def _class_weights(weight: Tensor | None, target: Tensor, like: Tensor) -> Tensor:
    if weight is not None:
        return weight[target]
    return wrap(quiet.run(like.device.xp.ones, target.array.shape, like.array.dtype), like.device)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return minus the log-probability (N, C, ...) of the target class (N, ...), weighted per class.

    The mean divides by the sum of the weights of the targets that are not `ignore_index`.
    """
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    dim = 0 if input.array.ndim == 1 else 1
    if target.array.ndim != input.array.ndim - 1:
        raise ValueError(
            f"Expected input and target to fit, got {list(input.array.shape)} and {list(target.array.shape)}"
        )
    kept = target != ignore_index
    safe = where(kept, target, 0)
    quiet.run(_check_classes, target.array, ignore_index, input.array.shape[dim])
    weights = _class_weights(weight, safe, input) * kept
    chosen = input.gather(dim, safe.unsqueeze(dim)).squeeze(dim)
    losses = where(kept, -chosen * weights, 0.0)  # no slope where ignored, even of 0 / 0
    if reduction == "mean":
        return losses.sum() / weights.sum()
    if reduction not in ("sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return losses.sum() if reduction == "sum" else losses


@checks
def _check_classes(target: Array, ignore_index: int, classes: int) -> None:
    """Raise IndexError for a target that is no class; a GPU is not waited for."""
    if not isinstance(target, np.ndarray):
        return
    wrong = (target != ignore_index) & ((target < 0) | (target >= classes))
    if wrong.any():
        raise IndexError(f"Target {target[wrong].reshape(-1)[0]} is out of bounds.")


def _cross_entropy_formula(x: Tensor, target: Tensor, *, ignored: int, mean: bool) -> Tensor:
    reduction = "mean" if mean else "sum"
    return nll_loss(log_softmax(x, 1), target, ignore_index=ignored, reduction=reduction)


_cross_entropy: Fused = Fused(
    "cross_entropy", _cross_entropy_formula, cpu=CrossEntropy, cuda=rows.CrossEntropy
)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross entropy of logits (N, C, ...) and classes (N, ...) or class probabilities (N, C, ...)."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    dim = 0 if input.array.ndim == 1 else 1
    input = raised(input)
    plain = weight is None and not label_smoothing and reduction in ("mean", "sum")
    if plain and input.array.ndim == 2 and target.array.ndim == 1 and input.array.size:
        quiet.run(_check_classes, target.array, ignore_index, input.array.shape[1])
        return _cross_entropy(input, target, ignored=ignore_index, mean=reduction == "mean")
    logp = log_softmax(input, dim)
    if target.dtype.is_floating_point:
        return _soft_cross_entropy(logp, target, weight, reduction, label_smoothing, dim)
    hard = nll_loss(logp, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return hard
    kept = target != ignore_index
    shape = (1,) * dim + (-1,) + (1,) * (input.array.ndim - 1 - dim)
    spread = -(logp if weight is None else logp * weight.reshape(shape)).sum(dim) * kept
    if reduction == "mean":
        smooth = spread.sum() / (_class_weights(weight, where(kept, target, 0), input) * kept).sum()
    else:
        smooth = spread.sum() if reduction == "sum" else spread
    return (1 - label_smoothing) * hard + label_smoothing / int(input.array.shape[dim]) * smooth


def _soft_cross_entropy(
    logp: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float, dim: int
) -> Tensor:
    if smoothing:
        target = target * (1 - smoothing) + smoothing / int(logp.array.shape[dim])
    if weight is not None:
        target = target * weight.reshape((1,) * dim + (-1,) + (1,) * (logp.array.ndim - 1 - dim))
    losses = -(logp * target).sum(dim)
    if reduction == "mean":
        return losses.sum() / max(losses.numel(), 1)
    return losses.sum() if reduction == "sum" else losses


def _pair(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if input.array.shape != target.array.shape:
        a, b = broadcast_tensors(input, target)
        return a, b
    return input, target


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return (input - target) ** 2."""
    a, b = _pair(input, target)
    difference = a - b
    losses = difference * difference
    return _finish(losses if weight is None else losses * weight, reduction, size_average, reduce)


_finish = reduce


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return |input - target|."""
    a, b = _pair(input, target)
    losses = (a - b).abs()
    return _finish(losses if weight is None else losses * weight, reduction, size_average, reduce)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return the square / (2 beta) of differences below `beta`, else their size less beta / 2."""
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    a, b = _pair(input, target)
    size = (a - b).abs()
    return _finish(
        where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta),
        reduction,
        size_average,
        reduce,
    )


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Return half the square of differences up to `delta`, beyond it delta * (size - delta / 2)."""
    a, b = _pair(input, target)
    size = (a - b).abs()
    losses = where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return _finish(losses if weight is None else losses * weight, reduction)


@checks
def _check_probabilities(x: Array) -> None:
    if x.size and not bool(((x >= 0) & (x <= 1)).all()):
        raise RuntimeError("all elements of input should be between 0 and 1")


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the cross entropy of probabilities; logarithms are kept above -100."""
    quiet.run(_check_probabilities, input.array)
    losses = -(
        target * input.log().clamp(min=-100) + (1 - target) * (1 - input).log().clamp(min=-100)
    )
    return _finish(losses if weight is None else losses * weight, reduction, size_average, reduce)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return the cross entropy of sigmoid(input); `pos_weight` scales the positive term."""
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
    log_weight = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    losses = (1 - target) * input - log_weight * logsigmoid(input)
    return _finish(losses if weight is None else losses * weight, reduction, size_average, reduce)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return target * (log target - input); "batchmean" divides the sum by the batch."""
    losses = (
        target.exp() * (target - input) if log_target else xlogy(target, target) - target * input
    )
    if reduction == "batchmean":
        return losses.sum() / (int(input.array.shape[0]) if input.array.ndim else 1)
    return _finish(losses, reduction, size_average, reduce)

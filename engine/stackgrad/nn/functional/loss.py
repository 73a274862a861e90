"""Losses. `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.nn.functional.activation import log_softmax, logsigmoid
from stackgrad.kernels.rowwise import CrossEntropy
from stackgrad.ops.elementwise import where, xlogy
from stackgrad.ops.fused import Fused
from stackgrad.ops.views import broadcast_tensors
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
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
    return wrap(like.device.xp.ones(target.array.shape, like.array.dtype), like.device)


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
    _check_classes(target, ignore_index, input.array.shape[dim])
    weights = _class_weights(weight, safe, input) * kept
    losses = -input.gather(dim, safe.unsqueeze(dim)).squeeze(dim) * weights
    if reduction == "mean":
        return losses.sum() / weights.sum()
    if reduction not in ("sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return losses.sum() if reduction == "sum" else losses


def _check_classes(target: Tensor, ignore_index: int, classes: int) -> None:
    """Raise IndexError for a target that is no class; a GPU is not waited for."""
    if target.device.type != "cpu":
        return
    wrong = (target.array != ignore_index) & ((target.array < 0) | (target.array >= classes))
    if wrong.any():
        raise IndexError(f"Target {target.array[wrong].reshape(-1)[0]} is out of bounds.")


def _cross_entropy_formula(x: Tensor, target: Tensor, *, ignored: int, mean: bool) -> Tensor:
    reduction = "mean" if mean else "sum"
    return nll_loss(log_softmax(x, 1), target, ignore_index=ignored, reduction=reduction)


_cross_entropy = Fused("cross_entropy", _cross_entropy_formula, cpu=CrossEntropy, cuda=CrossEntropy)


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
    plain = weight is None and not label_smoothing and reduction in ("mean", "sum")
    if plain and input.array.ndim == 2 and target.array.ndim == 1 and input.array.size:
        _check_classes(target, ignore_index, input.array.shape[1])
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
    return (1 - label_smoothing) * hard + label_smoothing / input.array.shape[dim] * smooth


def _soft_cross_entropy(
    logp: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float, dim: int
) -> Tensor:
    if smoothing:
        target = target * (1 - smoothing) + smoothing / logp.array.shape[dim]
    if weight is not None:
        target = target * weight.reshape((1,) * dim + (-1,) + (1,) * (logp.array.ndim - 1 - dim))
    losses = -(logp * target).sum(dim)
    if reduction == "mean":
        return losses.sum() / max(losses.array.size, 1)
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


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the cross entropy of probabilities; logarithms are kept above -100."""
    if input.array.size and not bool(((input >= 0) & (input <= 1)).all()):
        raise RuntimeError("all elements of input should be between 0 and 1")
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
        return losses.sum() / input.array.shape[0]
    return _finish(losses, reduction, size_average, reduce)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return x1 . x2 / (|x1| |x2|) along `dim`, each norm at least `eps`."""
    a, b = _pair(x1, x2)
    return (
        (a / a.norm(2, dim, keepdim=True).clamp(min=eps))
        * (b / b.norm(2, dim, keepdim=True).clamp(min=eps))
    ).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Return the p-norm of x1 - x2 + eps along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, -target * (input1 - input2) + margin)."""
    return _finish(
        (-target * (input1 - input2) + margin).clamp(min=0), reduction, size_average, reduce
    )


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the input where the target is 1, max(0, margin - input) where it is -1."""
    zero = 0.0 * input
    losses = where(target == 1, zero, (margin - input).clamp(min=0)) + where(
        target == -1, zero, input
    )
    return _finish(losses, reduction, size_average, reduce)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return 1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    products = (input1 * input2).sum(-1)
    sizes = ((input1 * input1).sum(-1) + 1e-12) * ((input2 * input2).sum(-1) + 1e-12)
    cosine = products / sizes.sqrt()
    losses = where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return _finish(losses, reduction, size_average, reduce)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin)."""
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return _finish(
        (pairwise_distance(anchor, positive, p, eps) - far + margin).clamp(min=0),
        reduction,
        size_average,
        reduce,
    )


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return log(1 + exp(-target * input))."""
    return _finish((-target * input).exp().log1p(), reduction, size_average, reduce)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over classes of the cross entropies of sigmoid(input)."""
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return _finish(
        (losses if weight is None else losses * weight).mean(-1), reduction, size_average, reduce
    )


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over the other classes of max(0, margin - x[target] + x[class]) ** p."""
    x = input if input.array.ndim == 2 else input.unsqueeze(0)
    place = target.reshape(-1, 1)
    hinge = (margin - x.gather(1, place) + x).clamp(min=0)
    hinge = hinge if p == 1 else hinge * hinge
    if weight is not None:
        hinge = hinge * weight[target.reshape(-1)].unsqueeze(1)
    losses = hinge.scatter(1, place, value=0.0).sum(1) / x.array.shape[1]
    return _finish(losses if input.array.ndim == 2 else losses[0], reduction, size_average, reduce)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return exp(input) - target * input, or input - target * log(input + eps); `full` adds Stirling's term."""
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + where(target > 1, stirling, 0.0 * target)
    return _finish(losses, reduction, size_average, reduce)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Return (log(var) + (input - target)**2 / var) / 2, the variance at least `eps`."""
    if not isinstance(var, Tensor):
        var = wrap(input.device.xp.full(input.array.shape, var, input.array.dtype), input.device)
    if bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.array.shape != input.array.shape and var.array.shape == input.array.shape[:-1]:
        var = var.unsqueeze(-1)
    kept = var + (var.detach().clamp(min=eps) - var.detach())
    difference = input - target
    losses = 0.5 * (kept.log() + difference * difference / kept)
    return _finish(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)

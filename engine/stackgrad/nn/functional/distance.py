"""Losses and measures of distance, margin and likelihood."""

from __future__ import annotations

import math
from typing import Any

from stackgrad.nn.functional.activation import logsigmoid
from stackgrad.nn.functional.loss import _pair
from stackgrad.nn.functional.loss import reduce as _finish
from stackgrad.ops.elementwise import where
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]


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

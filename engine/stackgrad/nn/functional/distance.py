"""Losses and measures of distance, margin and likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stackgrad.arrays import quiet
from stackgrad.nn.functional.activation import logsigmoid
from stackgrad.nn.functional.loss import _pair
from stackgrad.nn.functional.loss import reduce as _finish
from stackgrad.ops.creation import triu_indices
from stackgrad.ops.elementwise import where
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "pairwise_distance",
    "pdist",
    "poisson_nll_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
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


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin) for a distance of one's own."""
    measure = pairwise_distance if distance_function is None else distance_function
    far = measure(anchor, negative)
    if swap:
        far = far.minimum(measure(positive, negative))
    return _finish((measure(anchor, positive) - far + margin).clamp(min=0), reduction)


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
    x = input if input.array.ndim == 2 else input.reshape(1, -1)
    place = target.reshape(-1, 1)
    hinge = (margin - x.gather(1, place) + x).clamp(min=0)
    hinge = hinge if p == 1 else hinge * hinge
    if weight is not None:
        hinge = hinge * weight[target.reshape(-1)].unsqueeze(1)
    losses = hinge.scatter(1, place, value=0.0).sum(1) / x.array.shape[1]
    return _finish(losses if input.array.ndim == 2 else losses[0], reduction, size_average, reduce)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over pairs of a target class and another of max(0, 1 - x[target] + x[other]).

    `target` lists the classes of a sample, up to the first -1.
    """
    x, classes = (t.reshape(1, -1) if t.array.ndim < 2 else t for t in (input, target))
    listed = (classes < 0).cumsum(1) == 0
    safe = where(listed, classes, 0)
    is_target = x.new_zeros(x.array.shape).scatter_add(1, safe, listed.to(x.dtype)) > 0
    hinge = (1 - x.gather(1, safe).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0)
    counted = listed.unsqueeze(2) & is_target.logical_not().unsqueeze(1)
    losses = where(counted, hinge, 0.0).sum((1, 2)) / x.array.shape[1]
    return _finish(losses if input.array.ndim == 2 else losses[0], reduction, size_average, reduce)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """Return the p-distances of every two rows."""
    rows, columns = triu_indices(len(input), len(input), 1, device=input.device).unbind(0)
    return (input[rows] - input[columns]).norm(p, -1)


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
        var = wrap(
            quiet.run(input.device.xp.full, input.array.shape, var, input.array.dtype), input.device
        )
    if bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.array.shape != input.array.shape and var.array.shape == input.array.shape[:-1]:
        var = var.unsqueeze(-1)
    kept = var + (var.detach().clamp(min=eps) - var.detach())
    difference = input - target
    losses = 0.5 * (kept.log() + difference * difference / kept)
    return _finish(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)

"""Connectionist temporal classification (Graves et al., 2006)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stackgrad.ops.creation import from_numpy
from stackgrad.ops.elementwise import where
from stackgrad.ops.joining import cat, stack
from stackgrad.tensor import Tensor

__all__ = ["ctc_loss"]

_NEVER = (
    -1e30
)  # the logarithm of zero, small enough to vanish and finite, so that no gradient is NaN


def _whole(lengths: Any) -> Any:
    return np.asarray(
        lengths.tolist() if isinstance(lengths, Tensor) else lengths, np.int64
    ).reshape(-1)


def _rows(targets: Any, lengths: Any) -> Any:
    """Return the targets as (N, longest): given so, or one after the other."""
    if targets.ndim == 2:
        return targets[:, : max(int(lengths.max(initial=0)), 0)]
    found = np.zeros((len(lengths), int(lengths.max(initial=0))), np.int64)
    start = 0
    for row, length in enumerate(lengths):
        found[row, :length] = targets[start : start + length]
        start += length
    return found


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return minus the log-probability of all alignments of `targets` with `log_probs` (T, N, C).

    Targets are (N, S) or one after the other; the mean is that of the losses over their lengths. As in
    PyTorch the probabilities are taken to come from `log_softmax`: the gradient has a term exp(log_probs),
    which that function takes away again.
    """
    lone = log_probs.array.ndim == 2
    x = log_probs.unsqueeze(1) if lone else log_probs
    steps, batch, classes = x.array.shape
    durations, lengths = _whole(input_lengths), _whole(target_lengths)
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if durations.max(initial=0) > steps:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {steps}, but got value {durations.max()}"
        )
    rows = _rows(
        np.asarray(targets.array).reshape(batch, -1) if lone else np.asarray(targets.array), lengths
    )
    losses = -_likelihood(x, rows, durations, lengths, blank)
    infinite = losses > -_NEVER / 10
    going = from_numpy(np.arange(steps)[:, None] < durations).to(x.device)
    total = where(going.unsqueeze(-1), x.exp(), 0.0).sum((0, 2))
    losses = losses + (total - total.detach())
    losses = where(infinite, 0.0 if zero_infinity else math.inf, losses)
    if reduction == "mean":
        return (losses / from_numpy(np.maximum(lengths, 1)).to(x.device).to(x.dtype)).mean()
    if reduction == "sum":
        return losses.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return losses.squeeze(0) if lone else losses


def _likelihood(x: Tensor, rows: Any, durations: Any, lengths: Any, blank: int) -> Tensor:
    """Return the log-likelihood of each sample by the forward recursion over blank, l1, blank, l2, ..., blank."""
    batch, longest = rows.shape
    states = 2 * longest + 1
    labels = np.full((batch, states), blank, np.int64)
    labels[:, 1::2] = rows
    skips = np.zeros((batch, states), bool)  # from the label before, past the blank between
    skips[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    index, may_skip = from_numpy(labels).to(x.device), from_numpy(skips).to(x.device)
    emitted = x.gather(2, index.unsqueeze(0).expand(x.array.shape[0], batch, states))
    never = x.new_zeros(batch, 1) + _NEVER
    alpha = cat([emitted[0][:, : min(2, states)], never.expand(batch, max(states - 2, 0))], 1)
    history = [alpha]
    for t in range(1, x.array.shape[0]):
        one = cat([never, alpha[:, :-1]], 1)
        two = cat([never, never, alpha[:, :-2]], 1)[:, :states]
        ways = stack([alpha, one, where(may_skip, two, _NEVER)])
        alpha = ways.logsumexp(0) + emitted[t]
        history.append(alpha)
    at = from_numpy(np.maximum(durations - 1, 0)).to(x.device)
    last = stack(history)[at, from_numpy(np.arange(batch)).to(x.device)]
    ends = np.stack([2 * lengths, np.maximum(2 * lengths - 1, 0)], 1)
    final = last.gather(1, from_numpy(ends).to(x.device))
    empty = from_numpy(np.stack([np.zeros(batch, bool), lengths == 0], 1)).to(x.device)
    found = where(empty, _NEVER, final).logsumexp(1)
    none = from_numpy(durations == 0).to(x.device)
    start = from_numpy(np.where(lengths == 0, 0.0, _NEVER)).to(x.device).to(x.dtype)
    return where(none, start, found)

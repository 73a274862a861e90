"""The divergence of Kullback and Leibler between distributions of known kinds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stackgrad.distributions.continuous import Exponential, Laplace, Normal, Uniform
from stackgrad.distributions.discrete import Bernoulli, Categorical
from stackgrad.distributions.multivariate import Independent, MultivariateNormal
from stackgrad.linalg import solve_triangular
from stackgrad.ops.composed import xlogy
from stackgrad.ops.elementwise import where
from stackgrad.tensor import Tensor

Rule = Callable[[Any, Any], Tensor]
_rules: dict[tuple[type, type], Rule] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Rule], Rule]:
    """Decorate the rule for two kinds of distributions."""

    def add(rule: Rule) -> Rule:
        _rules[type_p, type_q] = rule
        return rule

    return add


def kl_divergence(p: Any, q: Any) -> Tensor:
    """Return KL(p || q); NotImplementedError for two kinds that have no rule."""
    for a in type(p).__mro__:
        for b in type(q).__mro__:
            if (a, b) in _rules:
                return _rules[a, b](p, q)
    raise NotImplementedError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
    )


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = where((q.probs == 0).expand(terms.array.shape), math.inf, terms)
    return where((p.probs == 0).expand(terms.array.shape), 0.0, terms).sum(-1)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    yes = xlogy(p.probs, p.probs) - xlogy(p.probs, q.probs)
    no = xlogy(1 - p.probs, 1 - p.probs) - xlogy(1 - p.probs, 1 - q.probs)
    return yes + no


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, found)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + away / q.scale + ratio * (-away / p.scale).exp() - 1


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    count = p.reinterpreted_batch_ndims
    if count != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL of Independent distributions of different event dimensions")
    found = kl_divergence(p.base_dist, q.base_dist)
    return found.sum(tuple(range(-count, 0))) if count else found


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    size = p.event_shape[0]
    spread = solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    away = (q.loc - p.loc).unsqueeze(-1)
    factor = q.scale_tril.expand(*away.array.shape[:-2], size, size)
    shift = solve_triangular(factor, away, upper=False)
    diagonals = [d.scale_tril.diagonal(0, -2, -1).log().sum(-1) for d in (q, p)]
    trace = (spread**2).sum((-2, -1)) + (shift**2).sum((-2, -1))
    found: Tensor = diagonals[0] - diagonals[1] + 0.5 * (trace - size)
    return found

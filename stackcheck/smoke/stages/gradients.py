"""Gradients: every kind of layer against differences of its own output, in float64, along a random direction.

For f and a random cotangent c, the derivative of c . f along a direction u is taken twice: as gradient . u by the
engine, and as (c . f(x + h u) - c . f(x - h u)) / 2 h. A wrong element of the gradient changes the first with
probability one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome, limit
from stackcheck.smoke.stages.layers import CASES

__all__ = ["ALLOWED_ERROR", "check_gradients", "compare_gradient"]

ALLOWED_ERROR = 1e-6
_STEPS = (1e-6, 1e-7, 1e-8)
"""Tried in turn: the first has the smallest error, the others reach less far over a kink."""


def compare_gradient(
    bench: Bench,
    function: Callable[[], Any],
    leaves: Mapping[str, Any],
    random: np.random.Generator,
) -> tuple[float, str]:
    """Return the largest relative error over the leaves, and a sentence about the leaf that has it.

    `function` computes from the leaves, float64 tensors that require gradients and are moved in place. A step that
    happens to cross a kink (ReLU, max) is retried with a shorter one; a wrong gradient fails with all of them.
    """
    for leaf in leaves.values():
        leaf.grad = None
    result = function()
    cotangent = random.standard_normal(tuple(result.shape))
    (result * bench.tensor(cotangent)).sum().backward()

    worst, message = 0.0, ""
    for name, leaf in leaves.items():
        if leaf.grad is None:
            return float("inf"), f"{name} has no gradient"
        gradient = bench.host(leaf.grad)
        for step in _STEPS:
            direction = random.standard_normal(gradient.shape)
            numeric = _differ(bench, function, leaf, step * direction, cotangent) / step
            analytic = float((gradient * direction).sum())
            # what random signs would give: a derivative near zero is not judged by its noise alone
            scale = max(abs(numeric), float(np.sqrt(((gradient * direction) ** 2).sum())), 1e-3)
            error = float(np.nan_to_num(abs(analytic - numeric) / scale, nan=np.inf))
            if error <= ALLOWED_ERROR:
                break
        if error > worst:
            worst = error
            message = (
                f"along {name} the gradient gives {analytic:.6g}, differences give {numeric:.6g}"
            )
    return worst, message


def _differ(
    bench: Bench, function: Callable[[], Any], leaf: Any, moved: Any, cotangent: Any
) -> float:
    """Return half of what the weighed output changes from -moved to +moved; the leaf is as before afterwards."""
    weighed = []
    with bench.engine.no_grad():
        kept = leaf.detach().clone()
        for sign in (1.0, -1.0):
            leaf.copy_(kept + bench.tensor(sign * moved))
            weighed.append(float((bench.host(function()) * cotangent).sum()))
        leaf.copy_(kept)
    return (weighed[0] - weighed[1]) / 2


def check_gradients(bench: Bench) -> Outcome:
    """Check every kind of layer; the message names each wrong one."""
    worst = 0.0
    wrong: list[str] = []
    for number, case in enumerate(CASES):
        random = bench.random(100 + number)
        error, message = compare_gradient(bench, *case.build(bench, random), random)
        if error > ALLOWED_ERROR:
            wrong.append(f"{case.name}: {message}")
        worst = max(worst, error)
    compared_with = f"differences in float64, {len(CASES)} kinds of layer"
    return limit(worst, ALLOWED_ERROR, "relative error", compared_with, "; ".join(wrong))

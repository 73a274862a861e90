"""`torch.special`: functions of mathematics."""

from __future__ import annotations

from typing import Any

from stackgrad.nn.functional.activation import log_softmax, softmax
from stackgrad.ops.composed import logit, round, xlogy  # noqa: A004  (PyTorch's name)
from stackgrad.ops.elementwise import erf, erfc, erfinv, exp2, expm1, log1p, sigmoid, sinc
from stackgrad.ops.gamma import (
    digamma,
    entr,
    lgamma,
    log_ndtr,
    mvlgamma,
    ndtr,
    ndtri,
    polygamma,
    xlog1py,
)
from stackgrad.ops.reduction import logsumexp

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]

expit, gammaln, psi, multigammaln = sigmoid, lgamma, digamma, mvlgamma


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.special has no {name!r}: it is not implemented")

"""Gradients kept within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from stackgrad.grad_mode import no_grad
from stackgrad.ops.creation import tensor
from stackgrad.ops.joining import stack
from stackgrad.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def _unrecorded(function: F) -> F:
    decorated: F = no_grad()(function)
    return decorated


def _gradients(parameters: Any) -> list[Tensor]:
    given: Iterable[Tensor] = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in given if p.grad is not None]


@_unrecorded
def get_total_norm(
    tensors: Any,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all tensors as if they were one vector; `foreach` is how PyTorch runs it."""
    del foreach
    given = list(tensors)
    if not given:
        return tensor(0.0)
    total = stack([t.norm(norm_type) for t in given]).norm(norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} is non-finite, so it cannot be clipped"
        )
    return total


@_unrecorded
def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients so that their norm is at most `max_norm`; return the norm before."""
    gradients = _gradients(parameters)
    total: Tensor = get_total_norm(gradients, norm_type, error_if_nonfinite, foreach)
    factor = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.to(gradient.dtype))
    return total


@_unrecorded
def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Keep every element of the gradients within [-clip_value, clip_value]."""
    del foreach
    for gradient in _gradients(parameters):
        gradient.clamp_(-clip_value, clip_value)

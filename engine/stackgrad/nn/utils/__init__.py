"""`torch.nn.utils`: clipping, flat parameters, sequences."""

from __future__ import annotations

from stackgrad.nn.utils import rnn
from stackgrad.nn.utils.clipping import clip_grad_norm_, clip_grad_value_, get_total_norm
from stackgrad.nn.utils.flat import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]


def __getattr__(name: str) -> object:
    raise AttributeError(f"stackgrad.nn.utils has no {name!r}: it is not implemented")

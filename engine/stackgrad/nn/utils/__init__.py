"""`torch.nn.utils`: clipping, flat parameters, sequences, parametrizations."""

from __future__ import annotations

import importlib
from typing import Any

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

# They are written in modules, which are written with `rnn`.
_LATER = {
    "parametrizations": "parametrizations",
    "parametrize": "parametrize",
    "remove_spectral_norm": "reparametrization",
    "remove_weight_norm": "reparametrization",
    "spectral_norm": "reparametrization",
    "weight_norm": "reparametrization",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"stackgrad.nn.utils has no {name!r}: it is not implemented")
    module = importlib.import_module(f"stackgrad.nn.utils.{_LATER[name]}")
    return module if name == _LATER[name] else getattr(module, name)

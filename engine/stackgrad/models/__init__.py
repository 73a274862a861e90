"""Networks that everybody knows, with the parameter names of their published weights.

`load_weights(resnet18(), "resnet18.safetensors")` reads PyTorch's `.pt` files and safetensors.
"""

from __future__ import annotations

import os
from typing import TypeVar

from stackgrad.models.gpt import GPT, GPTConfig
from stackgrad.models.lenet import LeNet
from stackgrad.models.lstm import LSTMLanguageModel
from stackgrad.models.resnet import ResNet, resnet18, resnet34, resnet50
from stackgrad.nn.module import Module

__all__ = [
    "GPT",
    "GPTConfig",
    "LSTMLanguageModel",
    "LeNet",
    "ResNet",
    "load_weights",
    "resnet18",
    "resnet34",
    "resnet50",
]

M = TypeVar("M", bound=Module)


def load_weights(model: M, path: str | os.PathLike[str]) -> M:
    """Load a state dict from a safetensors file, or from one of PyTorch's, into `model` and return it.

    A training checkpoint's `"model"` or `"state_dict"` entry is taken. Raises RuntimeError, naming every
    key, where the file does not fit the model.
    """
    if str(path).endswith(".safetensors"):
        from stackgrad.safetensors import load_file

        state = load_file(path)
    else:
        from stackgrad.serialize import load

        state = load(path, map_location="cpu")
        for name in ("model", "state_dict"):
            if isinstance(state.get(name), dict):
                state = state[name]
    model.load_state_dict(state)
    return model

"""Where two computations of one step part: the first layer whose activation or gradient differs. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Divergence", "blame_library", "find_divergence"]

_Arrays = Mapping[str, npt.NDArray[Any]]

_ACTIVATION = 1e-4
_GRADIENT = 1e-3
"""Of the norm; a rounding that crosses ReLU's kink moves a whole element of a gradient."""
_OWN = ("torch_cuda", "torch_cpu", "_xla", "tensorflow_cc", "_pywrap_tensorflow", "paddle", "mxnet")
_LIBRARIES = (
    (("relu", "gelu", "pool"), _OWN),
    (("conv",), ("cudnn", "dnnl", *_OWN)),
    (("lstm",), ("cudnn", *_OWN)),
    (("norm", "attention", "embedding", "loss"), _OWN),
    (("",), ("cublaslt", "cublas", "mkl", *_OWN)),
)
"""By a word in the layer's name, which loaded library computes it, the likeliest first."""


@dataclass(frozen=True)
class Divergence:
    """The first thing that differs when a step is computed again from equal weights."""

    kind: Literal["activation", "gradient"]
    layer: str
    share: float
    """How far, as a share of the norm."""
    message: str


def find_divergence(reference: _Arrays, other: _Arrays, layers: Sequence[str]) -> Divergence | None:
    """Return the first activation in the order of `layers`, else the first gradient in the order back, that differs.

    The arrays are `activation/<layer>`, `gradient/<layer>` and `gradient/<parameter>`; those that only one side has
    are not compared. None if all agree.
    """
    for layer in layers:
        share = _distance(reference, other, f"activation/{layer}")
        if not share <= _ACTIVATION:
            message = f"first layer that differs: {layer}, whose activation is off by {share:.2g} of its norm"
            return Divergence("activation", layer, share, message)
    for name, after in _backwards(reference, layers):
        share = _distance(reference, other, f"gradient/{name}")
        if not share <= _GRADIENT:
            told = f"the gradient of {name} is off by {share:.2g} of its norm"
            layer = after or name
            message = f"first layer that differs on the way back: {layer}; {told}"
            return Divergence("gradient", layer, share, message)
    return None


def _backwards(arrays: _Arrays, layers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield gradients in the order in which they are computed, each with the layer whose backward gives it."""
    parameters = [
        name.removeprefix("gradient/")
        for name in arrays
        if name.startswith("gradient/") and name.removeprefix("gradient/") not in layers
    ]
    after = "the loss"
    for place in reversed(range(len(layers))):
        layer = layers[place]
        yield layer, after
        after = layer
        base = layer.partition(".")[0]
        if not any(earlier.partition(".")[0] == base for earlier in layers[:place]):
            for name in [name for name in parameters if _layer_of(name) == base]:
                parameters.remove(name)
                yield name, layer
    for name in parameters:
        yield name, _layer_of(name)


def _layer_of(parameter: str) -> str:
    layer = parameter.partition(".")[0]
    return "embedding" if layer in {"tokens", "positions"} else layer


def _distance(reference: _Arrays, other: _Arrays, name: str) -> float:
    """Return how far two arrays are apart, as a share of the norm of the first; infinite for what is no number."""
    ours, theirs = reference.get(name), other.get(name)
    if ours is None or theirs is None:
        return 0.0
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return float("inf")
    exact = ours.astype(np.float64)
    return float(np.linalg.norm(theirs - exact) / max(float(np.linalg.norm(exact)), 1e-12))


def blame_library(layer: str, libraries: Sequence[str]) -> str:
    """Return the loaded library that computes this kind of layer, empty if none is known to."""
    for words, names in _LIBRARIES:
        if any(word in layer for word in words):
            for name in names:
                for path in libraries:
                    if name in Path(path).name.lower():
                        return path
            return ""
    return ""

"""Windows for signals. A periodic one is that of one more point, without the last."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from stackgrad.ops.creation import _sequence
from stackgrad.ops.hints import check_hints
from stackgrad.ops.table import publish
from stackgrad.tensor import Tensor


def _window(
    name: str, what: str, shape: Callable[..., Any], **settings: float
) -> Callable[..., Tensor]:
    def call(
        window_length: int,
        periodic: bool = True,
        *args: float,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        **given: float,
    ) -> Tensor:
        check_hints(layout, pin_memory)
        if unknown := set(given) - set(settings):
            raise TypeError(f"{name}() got an unexpected keyword argument {min(unknown)!r}")
        chosen = {**settings, **dict(zip(settings, args, strict=False)), **given}
        count = window_length + 1 if periodic else window_length
        places = np.arange(window_length) / max(count - 1, 1)
        values = shape(places, **chosen) if count > 1 else np.ones(window_length)
        from stackgrad.dtypes import get_default_dtype

        return _sequence(values, dtype or get_default_dtype(), device, requires_grad)

    first, periodic, *rest = inspect.signature(call).parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [inspect.Parameter(n, kind, default=v) for n, v in settings.items()]
    rest = [p for p in rest if p.kind is p.KEYWORD_ONLY]
    call.__signature__ = inspect.Signature([first, periodic, *own, *rest])  # type: ignore[attr-defined]
    call.__doc__ = what
    return publish(name, call, method=False)


def _cosines(x: Any, *weights: float) -> Any:
    return sum((-1) ** k * w * np.cos(2 * math.pi * k * x) for k, w in enumerate(weights))


hann_window = _window(
    "hann_window", "Return a raised cosine that ends at zero.", lambda x: _cosines(x, 0.5, 0.5)
)
hamming_window = _window(
    "hamming_window",
    "Return alpha - beta * cosine.",
    lambda x, alpha, beta: alpha - beta * np.cos(2 * math.pi * x),
    alpha=0.54,
    beta=0.46,
)
blackman_window = _window(
    "blackman_window", "Return a sum of two cosines.", lambda x: _cosines(x, 0.42, 0.5, 0.08)
)
bartlett_window = _window("bartlett_window", "Return a triangle.", lambda x: 1 - np.abs(2 * x - 1))
kaiser_window = _window(
    "kaiser_window",
    "Return a Bessel function of a half circle of radius `beta`.",
    lambda x, beta: np.i0(beta * np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))) / np.i0(beta),
    beta=12.0,
)

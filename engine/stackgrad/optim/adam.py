"""Adam and its kin."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from stackgrad.kernels.cuda import updates
from stackgrad.kernels.optimizer import AdamStep
from stackgrad.ops.creation import tensor
from stackgrad.optim.optimizer import Optimizer, check_ways, zeros_like
from stackgrad.tensor import Tensor

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """p -= lr * m / (sqrt(v) + eps), m and v being running means of gradient and its square (Kingma and Ba, 2014)."""

    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if lr < 0 or eps < 0 or weight_decay < 0 or not all(0 <= b < 1 for b in betas):
            raise ValueError(
                f"Invalid settings: lr {lr}, betas {betas}, eps {eps}, weight_decay {weight_decay}"
            )
        check_ways(
            type(self).__name__,
            foreach=foreach,
            fused=fused,
            capturable=capturable,
            differentiable=differentiable,
        )
        self._tables: dict[Any, updates.Table] = {}
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": self.decoupled or decoupled_weight_decay,
            },
        )

    def update(self, group: dict[str, Any], params: list[tuple[Tensor, Tensor]]) -> None:
        """Update `params` by the settings of `group`."""
        together: dict[tuple[Any, Any, AdamStep], list[Any]] = defaultdict(list)
        states: dict[tuple[Any, Any, AdamStep], list[Any]] = defaultdict(list)
        for parameter, gradient in params:
            state = self.state[parameter]
            if not state:
                state["step"] = tensor(0.0)
                state["exp_avg"], state["exp_avg_sq"] = zeros_like(parameter), zeros_like(parameter)
                if group["amsgrad"]:
                    state["max_exp_avg_sq"] = zeros_like(parameter)
            step = _advance(group, [state])
            largest = state.get("max_exp_avg_sq")
            means = (state["exp_avg"].array, state["exp_avg_sq"].array)
            top = None if largest is None else largest.array
            row = (parameter.array, gradient.array, *means, top)
            if parameter.is_cuda and updates.takes(row):
                key = parameter.device, parameter.array.dtype, step
                together[key].append(row)
                states[key].append(state)
            else:
                step.apply(parameter.device.xp, *row)
            parameter.version[0] += 1
        for key, rows in together.items():
            device, kind, step = key
            table = self._tables.setdefault((device, kind), updates.Table())
            later = functools.partial(_advance, group, states[key])
            updates.adam(device.xp, table, rows, step, later)


def _advance(group: dict[str, Any], states: list[dict[str, Any]]) -> AdamStep:
    """Count a step of some parameters, all at the same count, and return its numbers."""
    for state in states:
        state["step"] += 1
    (beta1, beta2), lr = group["betas"], float(group["lr"])
    count = float(states[0]["step"])
    root = math.sqrt(1 - beta2**count)
    return AdamStep(
        rate=lr * root / (1 - beta1**count),
        eps=group["eps"] * root,
        beta1=beta1,
        beta2=beta2,
        shrink=lr * group["weight_decay"] if group["decoupled_weight_decay"] else 0.0,
        decay=0.0 if group["decoupled_weight_decay"] else group["weight_decay"],
        sign=-1 if group["maximize"] else 1,
    )


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves (Loshchilov and Hutter, 2017)."""

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
        )

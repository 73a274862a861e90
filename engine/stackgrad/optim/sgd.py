"""Stochastic gradient descent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from stackgrad.kernels.cuda import updates
from stackgrad.optim.optimizer import Optimizer, check_ways, zeros_like
from stackgrad.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """p -= lr * v, with v = momentum * v + (1 - dampening) * gradient; Nesterov's form looks ahead."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if lr < 0 or momentum < 0 or weight_decay < 0:
            raise ValueError(
                f"Invalid learning rate, momentum or weight decay: {lr}, {momentum}, {weight_decay}"
            )
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_ways("SGD", foreach=foreach, fused=fused, differentiable=differentiable)
        self._tables: dict[Any, updates.Table] = {}
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def update(self, group: dict[str, Any], params: list[tuple[Tensor, Tensor]]) -> None:
        """Update `params` by the settings of `group`."""
        momentum, lr = group["momentum"], float(group["lr"])
        for parameter, gradient in self._update_on_gpu(group, params):
            step = -gradient if group["maximize"] else gradient
            if group["weight_decay"]:
                step = step.add(parameter, alpha=group["weight_decay"])
            if momentum:
                state = self.state[parameter]
                velocity = state.get("momentum_buffer")
                if velocity is None:
                    velocity = state["momentum_buffer"] = step.detach().clone()
                else:
                    velocity.mul_(momentum).add_(step, alpha=1 - group["dampening"])
                step = step.add(velocity, alpha=momentum) if group["nesterov"] else velocity
            parameter.add_(step, alpha=-lr)

    def _update_on_gpu(
        self, group: dict[str, Any], params: list[tuple[Tensor, Tensor]]
    ) -> list[tuple[Tensor, Tensor]]:
        """Update what lies on a GPU in one launch per type; return what remains."""
        momentum, rest = group["momentum"], []
        together: dict[tuple[Any, Any, bool], list[Any]] = defaultdict(list)
        for parameter, gradient in params:
            row = (parameter.array, gradient.array, parameter.array if momentum else None)
            if not (parameter.is_cuda and updates.takes(row)):
                rest.append((parameter, gradient))
                continue
            buffer, fresh = None, False
            if momentum:
                state = self.state[parameter]
                fresh = "momentum_buffer" not in state
                buffer = state.setdefault("momentum_buffer", zeros_like(parameter)).array
            row = (parameter.array, gradient.array, buffer)
            together[parameter.device, parameter.array.dtype, fresh].append(row)
            parameter.version[0] += 1
        sign = -1.0 if group["maximize"] else 1.0

        def settings() -> tuple[float, ...]:
            rest = (momentum, 1 - group["dampening"], group["weight_decay"], sign)
            return (float(group["lr"]), *rest)

        for (device, kind, fresh), rows in together.items():
            table = self._tables.setdefault((device, kind), updates.Table())
            options = {"nesterov": group["nesterov"], "first": fresh, "refresh": settings}
            updates.sgd(device.xp, table, rows, settings(), **options)
        return rest

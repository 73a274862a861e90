"""Learning rates that rise and fall, the momentum against them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stackgrad.optim.optimizer import Optimizer
from stackgrad.optim.scheduler import LRScheduler


class OneCycleLR(LRScheduler):
    """Up to `max_lr` and down to nearly nothing over `total_steps` (Smith and Topin, 2017)."""

    def __init__(  # noqa: PLR0917
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if three_phase:
            raise NotImplementedError(
                "OneCycleLR(three_phase=True) is not implemented in stackgrad"
            )
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("give total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        count = len(optimizer.param_groups)
        self.max_lrs = list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr] * count
        self.total_steps, self.rise = total_steps, float(pct_start * total_steps) - 1
        self.linear = anneal_strategy == "linear"
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.momenta = (max_momentum, base_momentum) if cycle_momentum else None
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.linear:
            return start + (end - start) * share
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group, and set its momentum."""
        step = self.last_epoch
        if step >= self.total_steps:
            raise ValueError(
                f"Tried to step {step + 1} times. The total number of steps is {self.total_steps}"
            )
        up = step <= self.rise
        share = step / self.rise if up else (step - self.rise) / (self.total_steps - 1 - self.rise)
        rates = []
        for group, top in zip(self.optimizer.param_groups, self.max_lrs, strict=True):
            start, end = top / self.div_factor, top / self.div_factor / self.final_div_factor
            rates.append(self._between(start, top, share) if up else self._between(top, end, share))
            if self.momenta is not None:
                high, low = self.momenta
                momentum = (
                    self._between(high, low, share) if up else self._between(low, high, share)
                )
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return rates


class CyclicLR(LRScheduler):
    """Up from `base_lr` to `max_lr` and down again, over and over (Smith, 2017)."""

    def __init__(  # noqa: PLR0917
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        count = len(optimizer.param_groups)
        lows, highs = (
            list(v) if isinstance(v, (list, tuple)) else [v] * count for v in (base_lr, max_lr)
        )
        self.max_lrs = highs
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size, self.step_ratio = (
            float(step_size_up + down),
            step_size_up / (step_size_up + down),
        )
        self.scale_fn, self.scale_mode = scale_fn, scale_mode
        if scale_fn is None:
            self.scale_fn, self.scale_mode = {
                "triangular": (lambda _: 1.0, "cycle"),
                "triangular2": (lambda cycle: 1 / 2.0 ** (cycle - 1), "cycle"),
                "exp_range": (lambda step: gamma**step, "iterations"),
            }[mode]
        self.momenta = (base_momentum, max_momentum) if cycle_momentum else None
        if cycle_momentum and not any(
            n in optimizer.defaults and (n != "momentum" or optimizer.defaults[n])
            for n in ("momentum", "betas")
        ):
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        for group, low in zip(optimizer.param_groups, lows, strict=True):
            group["initial_lr"] = group["lr"] = low
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group, and set its momentum."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        share = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        if self.scale_fn is None:
            raise ValueError("scale_fn is None")
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        for group in self.optimizer.param_groups if self.momenta else ():
            low, high = self.momenta or (0.0, 0.0)
            momentum = high - (high - low) * share * scale
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum
        return [
            low + (high - low) * share * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

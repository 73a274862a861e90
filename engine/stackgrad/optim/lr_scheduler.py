"""Learning rates over time. A scheduler's `step()` is called after the optimizer's."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stackgrad.grad_mode import replayed
from stackgrad.optim.cycles import CyclicLR, OneCycleLR
from stackgrad.optim.optimizer import Optimizer
from stackgrad.optim.scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

Formula = Callable[[int], float]


_LRScheduler = LRScheduler


class _ByFactor(LRScheduler):
    """The first learning rate times a factor of the epoch."""

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        return [base * self.factor(self.last_epoch) for base in self.base_lrs]


class LambdaLR(LRScheduler):
    """The first learning rate times a function of the epoch, one for all groups or one each."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        count = len(optimizer.param_groups)
        given = lr_lambda if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        self.lr_lambdas: list[Formula] = list(given)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [base * formula(self.last_epoch) for base, formula in pairs]

    def state_dict(self) -> dict[str, Any]:
        """Return the state without the functions."""
        return {k: v for k, v in super().state_dict().items() if k != "lr_lambdas"}


class StepLR(_ByFactor):
    """Times `gamma` every `step_size` epochs."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        return float(self.gamma ** (epoch // self.step_size))


class MultiStepLR(_ByFactor):
    """Times `gamma` at each of the milestones."""

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        return float(self.gamma ** sum(n for m, n in self.milestones.items() if m <= epoch))


class ExponentialLR(_ByFactor):
    """Times `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        return float(self.gamma**epoch)


class ConstantLR(_ByFactor):
    """Times `factor` for the first `total_iters` epochs."""

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        return self.start_factor if epoch < self.total_iters else 1.0


class LinearLR(_ByFactor):
    """From `start_factor` to `end_factor` on a line over `total_iters` epochs."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        share = min(epoch, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * share


class PolynomialLR(_ByFactor):
    """Times (1 - epoch / total_iters) ** power."""

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Return the factor."""
        return float((1 - min(epoch, self.total_iters) / self.total_iters) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """From the first rate to `eta_min` on half a cosine of `T_max` epochs (Loshchilov and Hutter, 2016)."""

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        share = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """The same, begun anew after T_0 epochs, then T_0 * T_mult, and so on."""

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        position, length = self.last_epoch, self.T_0
        while position >= length:
            position, length = position - length, length * self.T_mult
        share = (1 + math.cos(math.pi * position / length)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]


class SequentialLR(LRScheduler):
    """One scheduler after the other, changing at the milestones."""

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self._schedulers, self._milestones = list(schedulers), milestones
        self.optimizer, self.last_epoch = optimizer, last_epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self._schedulers[0].step(0)

    @replayed
    def step(self, epoch: int | None = None) -> None:
        """Go on by one."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        number = bisect.bisect_right(self._milestones, self.last_epoch)
        fresh = number > 0 and self._milestones[number - 1] == self.last_epoch
        self._schedulers[number].step(0 if fresh else None)


class MultiplicativeLR(LambdaLR):
    """The learning rate times a function of the epoch, epoch after epoch."""

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group."""
        rates = self.get_last_lr()
        if self.last_epoch <= 0:
            return rates
        pairs = zip(rates, self.lr_lambdas, strict=True)
        return [rate * formula(self.last_epoch) for rate, formula in pairs]


class ChainedScheduler(LRScheduler):
    """Several schedulers, all stepped each time."""

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ValueError("ChainedScheduler expects at least one scheduler to be chained")
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        if any(s.optimizer is not self.optimizer for s in schedulers):
            raise ValueError(
                "ChainedScheduler expects all schedulers to belong to the same optimizer"
            )
        self._schedulers = list(schedulers)

    def step(self, epoch: int | None = None) -> None:
        """Step all of them."""
        if epoch is not None:
            raise TypeError("ChainedScheduler.step() takes no epoch")
        for scheduler in self._schedulers:
            scheduler.step()


class ReduceLROnPlateau:
    """Times `factor` when a metric has not improved for more than `patience` epochs."""

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1:
            raise ValueError("Factor should be < 1.0.")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.relative = threshold, threshold_mode == "rel"
        self.cooldown, self.min_lr, self.eps = cooldown, min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def _better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        margin = self.threshold * (abs(self.best) if self.relative else 1)
        return sign * value < sign * self.best - (margin if math.isfinite(margin) else 0)

    @replayed
    def step(self, metrics: Any, epoch: int | None = None) -> None:
        """Take the metric of an epoch into account."""
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group in self.optimizer.param_groups:
                rate = max(float(group["lr"]) * self.factor, self.min_lr)
                if float(group["lr"]) - rate > self.eps:
                    group["lr"] = rate
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def get_last_lr(self) -> list[float]:
        """Return the learning rates in force."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer."""
        return {k: v for k, v in vars(self).items() if k != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        vars(self).update(state_dict)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.optim.lr_scheduler has no {name!r}: it is not implemented")

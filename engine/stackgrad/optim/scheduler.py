"""What all schedulers share."""

from __future__ import annotations

from typing import Any

from stackgrad.grad_mode import replayed
from stackgrad.optim.optimizer import Optimizer


class LRScheduler:
    """Sets the learning rate of every group from its first one and the number of steps taken."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer, self.last_epoch = optimizer, last_epoch
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.step()

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group at `last_epoch`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """Return the learning rates in force."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    @replayed
    def step(self, epoch: int | None = None) -> None:
        """Go on by one, or to `epoch`."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        for group, rate in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        """Return all that is not the optimizer or a function."""
        return {k: v for k, v in vars(self).items() if k != "optimizer" and not callable(v)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        vars(self).update(state_dict)

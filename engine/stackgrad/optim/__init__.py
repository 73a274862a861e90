"""`torch.optim`: optimizers and schedulers."""

from __future__ import annotations

from typing import Any

from stackgrad.optim import lr_scheduler
from stackgrad.optim.adam import *  # noqa: F403
from stackgrad.optim.adaptive import *  # noqa: F403
from stackgrad.optim.lbfgs import *  # noqa: F403
from stackgrad.optim.optimizer import *  # noqa: F403
from stackgrad.optim.sgd import *  # noqa: F403


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.optim has no {name!r}: it is not implemented")


__all__ = ["lr_scheduler"]

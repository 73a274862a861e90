"""What every stage is given, and what it gives back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcheck.model.smoke import StageStatus, TaskResult

__all__ = ["Bench", "Outcome", "limit"]

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Outcome:
    """What a stage found; the fields are those of `StageResult`."""

    status: StageStatus
    value: float | None = None
    unit: str = ""
    reference: float | None = None
    compared_with: str = ""
    message: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)
    tasks: tuple[TaskResult, ...] = ()


def limit(value: float, allowed: float, unit: str, compared_with: str, message: str) -> Outcome:
    """Judge a value that must not exceed `allowed`; NaN exceeds everything. The message is for the failure."""
    if value <= allowed:
        return Outcome("ok", value, unit, allowed, compared_with)
    return Outcome("error", value, unit, allowed, compared_with, message)


@dataclass(frozen=True)
class Bench:
    """The device under test, through the engine. `tell` reports progress while a stage runs."""

    engine: Any
    """The module stackgrad."""
    device: str
    """`cpu` or `cuda:N`."""
    level: str
    seed: int
    tasks: tuple[str, ...]
    seconds: float
    tell: Tell

    @property
    def is_gpu(self) -> bool:
        """Whether the device under test is a GPU."""
        return self.device != "cpu"

    @property
    def cupy(self) -> Any:
        """CuPy itself, without what the engine puts in place of its products; for GPUs only."""
        return self.engine.device(self.device).xp.cupy

    def of_level(self, quick: int, short: int) -> int:
        """Return the size that belongs to the level; `long` takes that of `short`."""
        return quick if self.level == "quick" else short

    def random(self, salt: int = 0) -> np.random.Generator:
        """Make a generator of test data that depends on the seed and the stage alone."""
        return np.random.default_rng([self.seed, salt])

    def tensor(self, values: npt.NDArray[Any], dtype: Any = None, *, grad: bool = False) -> Any:
        """Put an array on the device under test; the array is copied."""
        placed = self.engine.tensor(values, device=self.device)
        if dtype is not None:
            placed = placed.to(dtype)
        return placed.requires_grad_() if grad else placed

    def host(self, tensor: Any) -> npt.NDArray[Any]:
        """Bring a tensor to the host as an array of its own type, or float32 where NumPy has no such type."""
        found = tensor.detach().cpu()
        if found.dtype == self.engine.bfloat16:
            found = found.float()
        array: npt.NDArray[Any] = np.asarray(found.numpy())
        return array

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        if self.is_gpu:
            self.engine.cuda.synchronize()

    def time(self, work: Callable[[], object], repeats: int) -> float:
        """Return the median seconds of one run of `work`, after one that warms up."""
        work()
        self.wait()
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            work()
            self.wait()
            seconds.append(time.perf_counter() - start)
        return float(np.median(seconds))

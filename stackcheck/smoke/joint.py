"""What ranks that train together must arrive at: the engine, in one process, on their joined batch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import stackgrad

from stackcheck.model.record import record
from stackcheck.payload.rank import RATE, Training, fingerprint

__all__ = ["Joint", "train_jointly"]


@record(frozen=True)
class Joint:
    """The right answers of `payload/rank.py` for one number of ranks."""

    fingerprints: Sequence[Sequence[float]]
    """Of each rank's first gradient."""
    losses: Sequence[float]
    """Mean over all shards, before each step."""
    weights: Sequence[float]
    """After the last step."""


@functools.lru_cache(maxsize=1)
def train_jointly(world: int, steps: int) -> Joint:
    """Train on the shards of `world` ranks at once, on the CPU."""
    training: Any = Training(stackgrad, "cpu", world)  # type: ignore[no-untyped-call]
    shards = [training.data(rank) for rank in range(world)]
    prints = [fingerprint(training.gradient(training.start, *shard)) for shard in shards]  # type: ignore[no-untyped-call]
    inputs, targets = (stackgrad.cat([shard[side] for shard in shards]) for side in (0, 1))
    weights, losses = training.start, []
    for _ in range(steps):
        found = training.gradient(weights, inputs, targets)
        losses.append(float(found[-1]))
        weights = weights - RATE * found[:-1]
    return Joint(prints, losses, weights.tolist())

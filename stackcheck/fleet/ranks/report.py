"""What a training over several ranks showed."""

from __future__ import annotations

from typing import Literal

from stackcheck.model.record import record

__all__ = ["RankReport", "RankRow", "RankState"]

RankState = Literal["ok", "slow", "wrong", "failed", "dead", "hung", "stopped", "not-started"]
"""`stopped`: could not go on without another rank, or was ended because of it."""


@record(frozen=True)
class RankRow:
    """One rank. Every rank that was asked for has one."""

    rank: int
    state: RankState
    node: str | None = None
    device: str | None = None
    step: int = 0
    """The last step whose gradients it had reduced."""
    step_seconds: float | None = None
    """Median of its own computation of a step, without waiting for others."""
    message: str = ""


@record(frozen=True)
class RankReport:
    """The verdict: `error` if a rank or the collectives failed, `unknown` if it cannot be told."""

    status: Literal["ok", "error", "unknown"]
    rows: tuple[RankRow, ...]
    problems: tuple[str, ...] = ()
    """What is wrong, each naming its rank or layer; the cause first."""
    warnings: tuple[str, ...] = ()
    """Ranks that are right, and slow."""
    backend: str | None = None
    steps: int = 0
    seconds: float = 0.0
    loss_first: float | None = None
    loss_last: float | None = None
    largest_difference: float | None = None
    """From training on the joined batch in one process: of losses relative to the first, of weights to the largest."""
    bus_bytes_per_second: float | None = None
    """Of an all-reduce, as nccl-tests count it: what the slowest link carried."""

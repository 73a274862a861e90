"""The ranks, as their lines tell of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Ensemble", "Rank"]


@dataclass(eq=False)
class Rank:
    """What one rank has said so far."""

    node: str | None = None
    pid: int | None = None
    joined: Mapping[str, Any] = field(default_factory=dict)
    progress: tuple[int, int, int] = (0, 0, 0)
    """Stage, step, half of the step: ranks that wait for each other differ by what they reached."""
    losses: list[float] = field(default_factory=list)
    row: Mapping[str, float] | None = None
    """What it measured, told by itself or by rank 0 for all."""
    done: bool = False
    failure: str = ""
    end: str = ""
    """How its process ended, where the launcher tells; what it said itself, sooner or later, says more."""

    @property
    def reduced(self) -> int:
        """The last step whose gradients it had reduced."""
        return len(self.losses)

    @property
    def finished(self) -> bool:
        """Whether nothing more is to come from it."""
        return bool(self.done or self.failure or self.end)


class Ensemble:
    """All ranks of one launch; `own` where only the lines of those are heard."""

    def __init__(self, world: int, own: Sequence[int] | None = None) -> None:
        self.ranks = [Rank() for _ in range(world)]
        self.seen = self.ranks if own is None else [self.ranks[rank] for rank in own]
        """Those whose lines are heard."""
        self.strays: list[str] = []
        """Lines that are no events: what launchers and shells say."""
        self.aborted = ""
        """How some process ended that the launcher cannot name for certain, and all others with it."""
        self.suspects: list[Rank] = []
        self.weights: list[float] = []
        """The last ones, as rank 0 tells."""

    @property
    def all_joined(self) -> bool:
        """Whether every rank has met the others."""
        return all(rank.progress[0] >= 2 or rank.finished for rank in self.seen)

    @property
    def finished(self) -> bool:
        """Whether nothing more is to come from any rank."""
        return all(rank.finished for rank in self.seen)

    @property
    def broken(self) -> bool:
        """Whether a rank is lost, so that the others cannot finish."""
        return any(rank.failure or rank.end for rank in self.seen)

    def hear(self, line: str) -> None:
        """Take in one line of a rank; what is no event of a known rank is kept aside."""
        try:
            event = json.loads(line)
            self._take(event, self._rank(event["rank"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            self.strays.append(line[:500])

    def _rank(self, number: object) -> Rank:
        if not isinstance(number, int) or not 0 <= number < len(self.ranks):
            raise ValueError
        return self.ranks[number]

    def _take(self, event: Mapping[str, Any], rank: Rank) -> None:
        kind = event["event"]
        if kind == "started":
            rank.pid, rank.progress = int(event["pid"]), (1, 0, 0)
        elif kind == "joined":
            rank.joined, rank.progress = event, (2, 0, 0)
        elif kind == "computed":
            rank.progress = (3, int(event["step"]), 0)
        elif kind == "reduced":
            rank.losses.append(float(event["loss"]))
            rank.progress = (3, int(event["step"]), 1)
        elif kind == "row":
            self._rank(event["of"]).row = _numbers(event)
        elif kind == "weights":
            self.weights += [float(value) for value in event["values"]]
        elif kind == "result":
            rank.row, rank.done, rank.progress = _numbers(event), True, (4, 0, 0)
        elif kind == "failed":
            rank.failure = str(event["message"])
        else:
            raise ValueError
        rank.node = event.get("node") or rank.node

    def end(self, rank: int, how: str) -> None:
        """Note that the process of a rank ended, without a result of its own."""
        if 0 <= rank < len(self.ranks) and not self.ranks[rank].finished:
            self.ranks[rank].end = how

    def suspect(self, node: str, pid: int) -> None:
        """Note that the launcher takes this process for the one that ended first."""
        self.suspects += [
            rank
            for rank in self.ranks
            if rank.pid == pid and rank.node is not None and _same_host(rank.node, node)
        ]


_NUMBERS = "print_norm", "print_sum", "digest", "step_seconds", "wrong_element", "bytes_per_second"


def _numbers(event: Mapping[str, Any]) -> Mapping[str, float]:
    return {name: float(event[name]) for name in _NUMBERS}


def _same_host(one: str, other: str) -> bool:
    return one.partition(".")[0] == other.partition(".")[0]

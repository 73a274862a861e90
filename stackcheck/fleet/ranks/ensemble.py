"""The ranks, as their lines tell of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Ensemble", "Rank"]

_EVENTS = ("started", "joined", "computed", "reduced", "result", "failed")


@dataclass(eq=False)
class Rank:
    """What one rank has said so far."""

    node: str | None = None
    pid: int | None = None
    joined: Mapping[str, Any] = field(default_factory=dict)
    progress: tuple[int, int, int] = (0, 0, 0)
    """Stage, step, half of the step: ranks that wait for each other differ by what they reached."""
    result: Mapping[str, Any] | None = None
    failure: str = ""
    end: str = ""
    """How its process ended by itself, where the launcher tells."""

    @property
    def reduced(self) -> int:
        """The last step whose gradients it had reduced."""
        _, step, half = self.progress
        return step if half else max(step - 1, 0)

    @property
    def finished(self) -> bool:
        """Whether nothing more is to come from it."""
        return bool(self.result or self.failure or self.end)


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
            rank = self.ranks[event["rank"]]
            kind = _EVENTS.index(event["event"])
        except (ValueError, TypeError, KeyError, IndexError):
            self.strays.append(line[:500])
            return
        rank.node = event.get("node") or rank.node
        if kind == 0:
            rank.pid = event.get("pid")
            rank.progress = (1, 0, 0)
        elif kind == 1:
            rank.joined = event
            rank.progress = (2, 0, 0)
        elif kind in (2, 3):
            rank.progress = (3, int(event["step"]), kind - 2)
        elif kind == 4:
            for each in self.ranks if self.seen is not self.ranks else [rank]:
                each.result = event  # it tells of every rank
                each.progress = (4, 0, 0)
        else:
            rank.failure = str(event.get("message") or "failed")

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


def _same_host(one: str, other: str) -> bool:
    return one.partition(".")[0] == other.partition(".")[0]

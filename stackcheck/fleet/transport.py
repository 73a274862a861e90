"""What a scheduler can do for a fleet: name its nodes, and run a program on each with a deadline.

Slurm and Ray do it each in their way; nothing here schedules, connects or copies by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from stackcheck.model.record import record

__all__ = ["Outcome", "Place", "Program", "Refusal", "Transport"]

Refusal = Literal["busy", "timeout", "down", "not-started"]
"""Why a node has no answer that a program on it gave."""


@record(frozen=True)
class Place:
    """One node that the scheduler knows."""

    name: str
    gpus: int = 0
    """GPUs that the scheduler has to give on it; 0 where it has none or knows of none."""
    closed: Refusal | None = None
    """Why nothing can be run on it now."""
    reason: str = ""
    address: str = ""
    """What the scheduler itself calls it by, where that is not its name."""


@record(frozen=True)
class Program:
    """What to run: StackCheck's arguments, after the words that start it on a node."""

    arguments: tuple[str, ...]
    seconds: float
    """Within which it has to end once it has begun."""


@record(frozen=True)
class Outcome:
    """What became of a program on one node."""

    place: str
    state: Literal["ended"] | Refusal
    status: int | None = None
    output: bytes = b""
    detail: str = ""
    """The end of its standard error, or why it did not run."""


class Transport(Protocol):
    """A scheduler. Its methods raise `InputError` for names that it does not know, `Undeterminable` in its silence."""

    def places(self) -> Sequence[Place]:
        """Return every node that was asked for, whatever its state."""
        ...

    def run(self, program: Program, places: Sequence[Place]) -> Iterator[Outcome]:
        """Run the program once on each place with all its GPUs; yield an outcome for every one, as they come."""
        ...

"""Facts: what is known of a machine, and honestly what is not.

A fact is `Known`, `Absent` (looked for and not there) or `Unknown`. Rules read facts by `get()`; a rule that meets
an `Unknown` is undecided, never passed. What a user left out of a what-if is `Unknown` with `unstated` set: it rules
nothing out and is listed as assumed.
"""

from __future__ import annotations

from typing import Generic, Literal, NoReturn, TypeVar, Union

from stackcheck.model.record import record

__all__ = ["UNPROBED", "UNSTATED", "Absent", "Fact", "Known", "Undecided", "Unknown"]

T = TypeVar("T")


class Undecided(Exception):
    """A judgement needs a fact that nobody could get."""

    def __init__(self, fact: Unknown) -> None:
        super().__init__(f"{fact.source}: {fact.reason}")
        self.fact = fact


@record(frozen=True)
class Known(Generic[T]):
    """A value, and the file, call or flag that gave it."""

    value: T
    source: str
    state: Literal["known"] = "known"

    def get(self) -> T:
        """Return the value."""
        return self.value

    def peek(self) -> T:
        """Return the value."""
        return self.value


@record(frozen=True)
class Absent:
    """Looked for at the source and not there."""

    source: str
    state: Literal["absent"] = "absent"

    def get(self) -> None:
        """Return None: the thing is known not to be there."""

    def peek(self) -> None:
        """Return None."""


@record(frozen=True)
class Unknown:
    """Not to be had: the reason, and the source that was asked."""

    reason: str
    source: str
    unstated: bool = False
    state: Literal["unknown"] = "unknown"

    def get(self) -> NoReturn:
        """Raise `Undecided`, so that no rule passes on ignorance."""
        raise Undecided(self)

    def peek(self) -> None:
        """Return None; for renderers only, since it hides the difference to absence."""


Fact = Union[Known[T], Absent, Unknown]  # noqa: UP007 (a subscriptable alias on Python 3.10)

UNPROBED = Unknown("was not probed", "probe")
UNSTATED = Unknown("was not stated", "command line", unstated=True)

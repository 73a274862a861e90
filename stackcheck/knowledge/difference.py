"""What an audit reports: one field that the index or a wheel has otherwise than the row."""

from __future__ import annotations

from stackcheck.model.record import record

__all__ = ["Difference", "join_words"]


@record(frozen=True)
class Difference:
    """One field of one row that the index or the wheel has otherwise."""

    row: str
    field: str
    ours: str
    theirs: str


def join_words(value: object) -> str:
    """Return a tuple's members between blanks, anything else as its text."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

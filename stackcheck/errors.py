"""The one family of errors that a user may meet. Each prints as lines, never as a traceback."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["InputError", "StackCheckError", "Undeterminable"]


class StackCheckError(Exception):
    """Base of everything that StackCheck raises on purpose; `status` is the exit status that it leads to."""

    status = 1


class InputError(StackCheckError):
    """Malformed, misspelt, unreadable or contradictory input.

    `faults` are all of them, each one line with its place and, where there is one, the fix.
    """

    status = 2

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults: Sequence[str] = faults


class Undeterminable(StackCheckError):
    """What decides cannot be known here (offline audit, hung driver)."""

    status = 3

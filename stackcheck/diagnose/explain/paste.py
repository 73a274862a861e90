"""The pasted text: cleaned, bounded, and with its lines to point at."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from stackcheck.model.record import record

__all__ = ["LIMIT", "Paste", "read_paste"]

LIMIT = 200_000
"""Characters that are searched; of longer texts the telling lines are kept."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0b-\x1f\x7f]")
_GRAVE = re.compile(
    r"error:|exception|fatal|panic|traceback|cannot open|undefined symbol|no such file|denied|mismatch|incompatib|"
    r"unsupported|not supported|not compatible|too old|out of memory|uncorrect|xid|nvrm|killed|not found|failed|"
    r"unable to|could not|refused|invalid|insufficient|forward compat"
)
_TELLING = re.compile(
    r"error|fail|warn|cuda|nvidia|cudnn|nccl|cannot|gpu|libcu|glibc|ptxas|conda|requires|version|driver"
)
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")
_LINE = 2000
_REPEATS = 3
"""How often a line that differs only in its numbers is kept."""


@record(frozen=True)
class Paste:
    """A text to explain. `lowered` is what is searched; offsets are the same in both."""

    text: str
    lowered: str
    numbers: tuple[int, ...]
    """Line number in what was pasted, for each line of `text`."""

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def line_at(self, offset: int) -> tuple[int, str]:
        """Return the number and the text of the pasted line at an offset."""
        row = bisect_right(self._starts, offset) - 1
        end = self.text.find("\n", offset)
        line = self.text[self._starts[row] : None if end < 0 else end]
        return self.numbers[row], line.strip()


def read_paste(text: str) -> Paste:
    """Clean a text of terminal control codes and bound its length."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = text.split("\n")
    numbers = tuple(range(1, len(lines) + 1))
    if len(text) > LIMIT:
        kept = _telling_lines(lines)
        lines = [lines[row][:_LINE] for row in kept]
        numbers = tuple(row + 1 for row in kept)
        text = "\n".join(lines)
    lowered = text.lower()
    if len(lowered) != len(text):  # some capitals, such as a dotted I, have longer small letters
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return Paste(text, lowered, numbers)


def _telling_lines(lines: list[str]) -> list[int]:
    """Choose lines within the limit: grave ones before others that may tell something, none of them endlessly."""
    seen: dict[str, int] = {}
    grave: list[tuple[int, int]] = []
    other: list[tuple[int, int]] = []
    for row, line in enumerate(lines):
        lowered = line[:_LINE].lower()
        kind = grave if _GRAVE.search(lowered) else other if _TELLING.search(lowered) else None
        if kind is None:
            continue
        shape = _VARYING.sub("0", lowered)
        seen[shape] = seen.get(shape, 0) + 1
        if seen[shape] <= _REPEATS:
            kind.append((row, len(lowered) + 1))
    return sorted({*_within(grave, LIMIT * 3 // 4), *_within(other, LIMIT // 4)})


def _within(rows: list[tuple[int, int]], room: int) -> list[int]:
    """Take rows, given with their lengths, as they fit: three quarters from the front, the rest from the end.

    The cause is printed before its consequences; but a log may begin with a long life before the fault.
    """
    first = _fill(rows, room * 3 // 4)
    return first + _fill(rows[len(first) :][::-1], room // 4)


def _fill(rows: list[tuple[int, int]], room: int) -> list[int]:
    taken = []
    for row, length in rows:
        room -= length
        if room < 0:
            break
        taken.append(row)
    return taken

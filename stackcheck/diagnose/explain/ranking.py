"""From a text to its likely causes, ranked.

A cause's score is the weight of the message that tells of it best, a little more for each further message, and what
the circumstances add or take. Consequences stand below their causes, harmless lines below anything that can fail, and
of two equals the one that was printed first wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stackcheck.diagnose.explain.entry import Catalogue, Entry, Message
from stackcheck.diagnose.explain.lifetimes import Lifetimes
from stackcheck.diagnose.explain.paste import Paste, read_paste
from stackcheck.diagnose.explain.readings import read_numbers
from stackcheck.diagnose.explain.resemblance import resembling
from stackcheck.model.record import record

__all__ = ["Cause", "explain"]

_FURTHER = 0.4
_FURTHER_MOST = 1.2
_CONSEQUENCE = 3.0
_SAME_REASON = 1.0
_LEAST = 1.5
_TELLING = 3.0
"""Below this no message told of anything, and likeness of words is tried."""
_ALIKE = 0.25
_PROSE = 2000
"""Characters up to which a text is somebody's own words rather than a log."""
_MOST = 8


@record(frozen=True)
class Cause:
    """A likely cause: the entry, how strongly the text points at it, and the line that does."""

    entry: Entry
    score: float
    line: int = 0
    """Number of the line in the pasted text; 0 where numbers or words all over the text point at it."""
    excerpt: str = ""
    source: str = ""
    """Where that message is printed or reported."""


@dataclass
class _Hit:
    message: Message
    offset: int
    weight: float


def explain(text: str, catalogue: Catalogue, lifetimes: Lifetimes) -> tuple[Cause, ...]:
    """Rank the likely causes of what a text says; empty where nothing in it is known."""
    paste = read_paste(text)
    circumstances = find_circumstances(paste, catalogue, lifetimes)
    causes = [
        cause
        for entry in catalogue.entries.values()
        if (cause := _weigh(entry, paste, circumstances))
    ]
    best = max((cause.score for cause in causes), default=0.0)
    if best < _TELLING and len(text) <= _PROSE:
        known = {cause.entry.code for cause in causes}
        for code, likeness in resembling(paste.lowered, catalogue.entries.values()).items():
            if likeness >= _ALIKE and code not in known:
                causes.append(Cause(catalogue.entries[code], _LEAST + likeness))
    return _rank(causes)


def find_circumstances(paste: Paste, catalogue: Catalogue, lifetimes: Lifetimes) -> set[str]:
    """Name the circumstances that words and numbers of the text show."""
    found = {
        name
        for name, templates in catalogue.circumstances.items()
        if any(template.search(paste.lowered) for template in templates)
    }
    generations = [
        (re.compile(pattern), capability) for pattern, capability in catalogue.generations
    ]
    return found | read_numbers(paste.lowered, generations).circumstances(lifetimes)


def _weigh(entry: Entry, paste: Paste, circumstances: set[str]) -> Cause | None:
    hits = list(_hits(entry, paste, circumstances))
    inferred = max((w for name, w in entry.inferred.items() if name in circumstances), default=0.0)
    if not hits and inferred <= 0:
        return None
    best = max(hits, key=lambda hit: (hit.weight, -hit.offset), default=None)
    score = max(best.weight if best else 0.0, inferred)
    others = len(hits) - 1 if best else 0
    score += min(_FURTHER_MOST, _FURTHER * others)
    score += sum(w for name, w in entry.context.items() if name in circumstances)
    if best is None:
        return Cause(entry, score)
    number, excerpt = paste.line_at(best.offset)
    return Cause(entry, score, number, excerpt, best.message.source)


def _hits(entry: Entry, paste: Paste, circumstances: set[str]) -> Iterable[_Hit]:
    for message in entry.messages:
        if message.needs and not circumstances.intersection(message.needs):
            continue
        offset = -1
        for part in message.parts:
            found = part.search(paste.lowered)
            if not found:
                break
            offset = found.start() if offset < 0 else min(offset, found.start())
        else:
            if any(part.search(paste.lowered) for part in message.unless):
                continue
            extra = sum(w for name, w in message.context.items() if name in circumstances)
            yield _Hit(message, offset, message.weight + extra)


def _rank(causes: list[Cause]) -> tuple[Cause, ...]:
    strong = {cause.entry.code for cause in causes if cause.score >= _CONSEQUENCE * 2}

    def standing(cause: Cause) -> float:
        demoted = any(code in strong for code in cause.entry.follows)
        return cause.score - (_CONSEQUENCE if demoted else 0.0)

    ordered = sorted(causes, key=lambda cause: (cause.entry.benign, -standing(cause), cause.line))
    ordered = [cause for cause in ordered if standing(cause) >= _LEAST]
    seen: set[str] = set()
    spread: list[tuple[bool, float, int, Cause]] = []
    for place, cause in enumerate(ordered):
        again = cause.entry.reason in seen and cause.entry.reason != "other"
        seen.add(cause.entry.reason)
        spread.append(
            (
                cause.entry.benign,
                -(standing(cause) - (_SAME_REASON if again else 0.0)),
                place,
                cause,
            )
        )
    return tuple(cause for *_, cause in sorted(spread, key=lambda row: row[:3])[:_MOST])

"""The last resort for texts in which no known message is found: entries whose own words resemble the text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from stackcheck.diagnose.explain.entry import Entry

__all__ = ["resembling"]

_WORD = re.compile(r"[a-z][a-z0-9]{2,}")
_COMMON = frozenset(
    _WORD.findall(
        "the and for with that this not but are was has have had its from your you can will all any one two out use"
        " used using when which what how why who there then than into onto over after before same other more most"
        " very error errors fails failed fail problem issue work works working run running version versions install"
        " installed python import line file recent call last"
    )
)
_ENOUGH = 2
"""Telling words that must be shared."""


def resembling(lowered: str, entries: Iterable[Entry]) -> dict[str, float]:
    """Return codes with a likeness between 0 and 1, best first; only those that share enough telling words."""
    asked = set(_WORD.findall(lowered)) - _COMMON
    documents = {entry.code: _words(entry) for entry in entries if not entry.benign}
    spread = Counter(word for words in documents.values() for word in words)
    rarity = {word: math.log(len(documents) / spread[word]) for word in asked if word in spread}
    total = sum(rarity.values())
    scores = {}
    for code, words in documents.items():
        shared = asked & words
        if len(shared) >= _ENOUGH and total:
            scores[code] = sum(rarity[word] for word in shared) / total / (1 + len(words) / 400)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _words(entry: Entry) -> set[str]:
    texts = [entry.title, entry.why, entry.confirm, entry.fix]
    texts += [part.text for message in entry.messages for part in message.parts]
    return set(_WORD.findall(" ".join(texts).lower())) - _COMMON

"""What somebody wants explained: a code, a topic, or a text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from stackcheck.errors import InputError
from stackcheck.model.record import record

__all__ = ["Subject", "read_subject"]

_CODE = re.compile(r"[A-Za-z]{2,}-\d{1,3}$")


@record(frozen=True)
class Subject:
    """`name` is the code, the topic's own name, or the text."""

    kind: Literal["code", "topic", "text"]
    name: str


def read_subject(what: str, codes: Iterable[str], topics: Mapping[str, str]) -> Subject:
    """Tell what WHAT is; `codes` are only gone through where it may be one.

    `topics` maps every name of a topic to its own one.
    Raises `InputError` for an empty text, an unknown code and a single word that nothing is known by.
    """
    text = what.strip()
    if not text:
        raise InputError("explain: nothing to explain, the text is empty")
    if _CODE.match(text):
        known = list(dict.fromkeys(codes))
        if text.upper() in known:
            return Subject("code", text.upper())
        nearest = difflib.get_close_matches(text.upper(), known, 3, 0.6)
        raise InputError(f"explain {text}: no such code{_hint(nearest)}")
    if topic := topics.get(text.lower().replace(" ", "-")):
        return Subject("topic", topic)
    if re.fullmatch(r"[A-Za-z]{2,12}", text) and (
        nearest := difflib.get_close_matches(text.lower(), list(topics), 3, 0.75)
    ):
        raise InputError(f"explain {text}: no such topic{_hint(nearest)}")
    return Subject("text", what)


def _hint(nearest: list[str]) -> str:
    return f"; near it: {', '.join(nearest)}" if nearest else ""

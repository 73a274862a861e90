"""Explanations as lines for people: causes of a text, an entry, a topic. Pure; colours are the caller's."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from stackcheck.diagnose.explain.entry import Entry

if TYPE_CHECKING:
    from stackcheck.diagnose.explain.ranking import Cause
    from stackcheck.diagnose.explain.topics import Say, Topic
    from stackcheck.rules.rule import Rule

__all__ = ["word_causes", "word_entry", "word_topic"]

_CONFIRMED = {
    True: "yes, its rule finds it on this machine",
    False: "no, its rule passes on this machine",
}


def word_causes(
    causes: Sequence[Cause], confirmed: Mapping[str, bool], width: int
) -> Iterator[str]:
    """Word the ranked causes of a text: the most likely at full length, the others in brief."""
    for place, cause in enumerate(causes, 1):
        entry = cause.entry
        head = f"{place}. {entry.code} "
        yield from _wrap(f"{entry.title} [{entry.reason}]", width, head, " " * len(head))
        if cause.line:
            where = f"line {cause.line}: {cause.excerpt}"
            yield from _wrap(
                textwrap.shorten(where, 160, placeholder=" ..."), width, "   seen     "
            )
        if entry.why and place == 1:
            yield from _wrap(entry.why, width, "   why      ")
        yield from _wrap(entry.confirm, width, "   confirm  ")
        yield from _wrap(entry.fix, width, "   fix      ")
        if entry.code in confirmed:
            yield f"   here     {_CONFIRMED[confirmed[entry.code]]}"
        yield ""


def word_entry(
    entry: Entry, rule: Rule | None, confirmed: bool | None, width: int
) -> Iterator[str]:
    """Word what is known under a code, from its rule where there is one."""
    yield f"{entry.code}  {entry.title}"
    yield f"reason {entry.reason}" + (
        f", layer {rule.layer}, severity {rule.severity}" if rule else ""
    )
    yield ""
    if why := rule.explanation if rule else entry.why:
        yield from _wrap(why, width, "why      ")
    messages = rule.messages if rule and rule.messages else _sayings(entry)
    for place, message in enumerate(messages):
        yield from _wrap(message, width, "message  " if place == 0 else "         ")
    yield from _wrap(entry.confirm, width, "confirm  ")
    yield from _wrap(entry.fix, width, "fix      ")
    if confirmed is not None:
        yield f"here     {_CONFIRMED[confirmed]}"
    elif rule is None and not entry.benign:
        yield from _wrap(
            "no rule can see this on a machine; confirm it by hand", width, "here     "
        )
    yield from _wrap(rule.source if rule else entry.source, width, "source   ")


def _sayings(entry: Entry) -> list[str]:
    """Return the messages that tell of the entry most surely, as people may read them."""
    plain = [m for m in entry.messages if len(m.parts) == 1 and "{" not in m.parts[0].text]
    plain.sort(key=lambda message: -message.weight)
    return [message.parts[0].written.replace("*", "...").replace("#", "N") for message in plain[:4]]


def word_topic(
    topic: Topic,
    lang: str,
    sections: Mapping[str, Sequence[str]],
    see: Sequence[Entry],
    say: Say,
    width: int,
) -> Iterator[str]:
    """Word a topic in a language: what it is, then a heading and lines for each section, then what goes wrong."""
    yield f"{topic.name}: {topic.title[lang]}"
    yield ""
    yield from _wrap(topic.what[lang], width, "")
    for section, lines in sections.items():
        yield ""
        yield say(section)
        for line in lines:
            yield from _wrap(line, width, "  ", "    ")
    if see:
        yield ""
        yield say("goes_wrong")
        for entry in see:
            yield from _wrap(entry.title, width, f"  {entry.code}  ")


def _wrap(text: str, width: int, first: str, rest: str | None = None) -> Iterator[str]:
    """Wrap a text; Chinese breaks anywhere and takes two columns a character."""
    rest = " " * len(first) if rest is None else rest
    if not any(map(_is_wide, text)):
        yield from textwrap.wrap(
            text,
            max(width, 40),
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [first.rstrip()]
        return
    line, used = first, len(first)
    for unit in _units(text):
        if used + _columns(unit) > width and line.strip() and not _closes(unit):
            yield line.rstrip()
            line, used = rest, len(rest)
        line += unit
        used += _columns(unit)
    yield line.rstrip()


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _columns(text: str) -> int:
    return sum(2 if _is_wide(char) else 1 for char in text)


def _closes(unit: str) -> bool:
    """Tell whether a unit is punctuation that may not begin a line."""
    return _is_wide(unit[0]) and unicodedata.category(unit[0]) in ("Po", "Pe")


def _units(text: str) -> Iterator[str]:
    """Split a text where a line may break: after a space, and around every wide character."""
    unit = ""
    for char in text:
        if _is_wide(char):
            if unit:
                yield unit
                unit = ""
            yield char
        else:
            unit += char
            if char == " ":
                yield unit
                unit = ""
    if unit:
        yield unit

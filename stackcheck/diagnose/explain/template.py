"""Message templates: what a program prints, written almost as it prints it.

A template is plain text, compared without regard to case. In it

- `#` stands for a number such as `12`, `12.4` or `9.1.0.70`,
- `*` for anything up to 160 characters within a line,
- `{one|two|}` for one of several texts, the empty one included,
- a space for any white space, line breaks included, and a quotation mark for any or none.

A template that begins or ends with a letter does so where no other letter stands, and the like for digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["Template", "TemplateError"]

_QUOTES = "'\"`"
_TOKEN = re.compile(r"""[#*{}|]|\s+|['"`]|[^#*{}|\s'"`]+""")


class TemplateError(ValueError):
    """A template with unbalanced or nested braces."""


class Template:
    """One template; compiled when it is first searched for."""

    __slots__ = ("anchors", "text", "written")

    def __init__(self, text: str) -> None:
        self.written = text
        self.text = text.lower().strip()
        self.anchors = _anchors(self.text)

    def search(self, lowered: str, start: int = 0) -> re.Match[str] | None:
        """Find the template in text that is already in lower case."""
        if not self.may_occur(lowered):
            return None
        return _compile(self.text).search(lowered, start)

    def may_occur(self, lowered: str) -> bool:
        """Tell cheaply that it cannot occur: a literal part of it is missing."""
        return any(anchor in lowered for anchor in self.anchors)

    def check(self) -> None:
        """Compile it. Raises `TemplateError`."""
        _compile(self.text)


def _tokens(text: str) -> Iterator[str]:
    return (found[0] for found in _TOKEN.finditer(text))


def _anchors(text: str) -> tuple[str, ...]:
    """Return literal parts one of which every match contains.

    The longest literal outside braces; where the braces hold all there is, the longest literal of each choice.
    """
    outside: list[str] = []
    choices: list[list[str]] = []
    depth = 0
    for part in _tokens(text):
        if part == "{":
            depth += 1
            choices.append([""])
        elif part == "}":
            depth -= 1
        elif part == "|" and depth:
            choices[-1].append("")
        elif part[0] in "#*" + _QUOTES or part.isspace():
            continue
        elif depth:
            choices[-1][-1] = max(choices[-1][-1], part, key=len)
        else:
            outside.append(part)
    best = max(outside, key=len, default="")
    certain = [group for group in choices if all(group)]
    if len(best) < 4 and certain:
        return tuple(max(certain, key=lambda group: min(map(len, group))))
    return (best,)


_PATTERNS = {"#": r"\d[\d.]*", "*": r"[^\n]{0,160}?", "{": "(?:", "}": ")"}
_ANY_QUOTE = "['\"`\u2018\u2019\u201c\u201d]?"


@lru_cache(maxsize=2048)
def _compile(text: str) -> re.Pattern[str]:
    depth = 0
    parts = [_boundary(text[:1], "?<!")]
    for part in _tokens(text):
        depth += (part == "{") - (part == "}")
        if depth not in (0, 1):
            raise TemplateError(f"{text!r} has unbalanced or nested braces")
        parts.append(_pattern(part, inside=depth > 0))
    if depth:
        raise TemplateError(f"{text!r} has an open brace")
    return re.compile("".join(parts) + _boundary(text[-1:], "?!"))


def _pattern(part: str, *, inside: bool) -> str:
    if part in _PATTERNS:
        return _PATTERNS[part]
    if part == "|" and inside:
        return "|"
    if part.isspace():
        return r"\s+"
    return _ANY_QUOTE if part in _QUOTES else re.escape(part)


def _boundary(character: str, look: str) -> str:
    if character in "{}":
        return rf"({look}[a-z0-9])"
    if character.isalpha():
        return rf"({look}[a-z])"
    return rf"({look}[0-9])" if character.isdigit() else ""

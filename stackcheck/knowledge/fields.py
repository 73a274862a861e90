"""How values stand in the matrices' YAML, told to pydantic.

YAML is read with every scalar as text, so that `2.10` stays two-point-ten; the types here parse it. `unknown` is a
value of its own: it becomes None, and a key that is missing keeps its default instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from packaging.version import InvalidVersion

from stackcheck.model.specifier import InvalidSpecifier, clauses_of
from stackcheck.model.version import Architecture, DriverVersion, Version, parse_version

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = [
    "ArchitectureText",
    "ArchitecturesText",
    "DateText",
    "DayText",
    "DriverText",
    "SpecifierText",
    "Text",
    "VersionText",
    "WordsText",
    "parse_day",
]


class Text:
    """A value that stands in YAML as text.

    `parse` raises `ValueError` with what is wrong; `decode` makes the value of text that was parsed before.
    """

    def __init__(
        self,
        parse: Callable[[str], object],
        description: str,
        decode: Callable[[str], object] | None = None,
    ) -> None:
        self.parse = parse
        self.description = description
        self.decode = decode or parse

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(_write)
        )

    def _validate(self, value: object) -> object:
        if isinstance(value, str):
            return self.parse(value)
        if isinstance(value, list):
            return self.parse(" ".join(map(str, value)))
        if isinstance(value, Version | Architecture | tuple):
            return value
        raise ValueError(f"expected {self.description}")

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # Editors read `12.4` as a number, the loader as text.
        return {"type": ["string", "number"], "description": self.description}


def _write(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _version(text: str) -> Version:
    try:
        return parse_version(text)
    except InvalidVersion as error:
        raise ValueError(f"{text!r} is not a version") from error


@lru_cache(maxsize=1024)
def _driver(text: str) -> Version:
    try:
        return DriverVersion(text)
    except InvalidVersion as error:
        raise ValueError(f"{text!r} is not a driver version") from error


def _specifier(text: str) -> str:
    try:
        clauses_of(text)
    except InvalidSpecifier as error:
        raise ValueError(f"{text!r} is not a specifier such as >=2.1,<3") from error
    return text


def _date(text: str) -> str:
    """Accept a day, a month or a year: old sources give no more."""
    try:
        dt.date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) in (4, 7) else text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date (YYYY-MM-DD)") from error
    return text


def parse_day(text: str) -> str:
    """Return the text of a day, YYYY-MM-DD. Raises `ValueError`."""
    try:
        dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day (YYYY-MM-DD)") from error
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _architectures(text: str) -> tuple[Architecture, ...]:
    return tuple(map(Architecture.parse, text.split()))


VersionText = Annotated[Version, Text(_version, "a version", parse_version)]
DriverText = Annotated[Version, Text(_driver, "a driver version, 580.95.05")]
SpecifierText = Annotated[str, Text(_specifier, "a version specifier", str)]
DateText = Annotated[str, Text(_date, "a date, YYYY-MM-DD", str)]
DayText = Annotated[str, Text(parse_day, "a day, YYYY-MM-DD", str)]
WordsText = Annotated[tuple[str, ...], Text(_words, "words between blanks")]
ArchitectureText = Annotated[Architecture, Text(Architecture.parse, "an architecture, sm_86")]
ArchitecturesText = Annotated[
    tuple[Architecture, ...], Text(_architectures, "architectures between blanks, sm_80 compute_90")
]

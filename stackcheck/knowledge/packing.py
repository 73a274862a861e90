"""Rows as columns of distinct values: matrices repeat few values in many rows, so each is stored once.

It is decoded once as well, and only if somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING
from dataclasses import fields as dataclass_fields
from typing import Any, TypeVar

__all__ = ["defaults_of", "instance_of", "pack", "unpack"]

T = TypeVar("T")

_FIRST = ord("0")
"""Character that stands for position 0: JSON escapes what comes long before it."""
_MOST = 0xD7FF - _FIRST
"""So many positions have a character, before those that UTF-8 has no bytes for."""
_UNSAID = object()
_PLACE = " place"
"""Where a row keeps its number: no field's name."""


def pack(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the rows as `fields`, `columns` (the distinct values of each field) and `positions` in them.

    A row that does not say a field has the position behind the column's last value. Positions are the characters of a
    text, which JSON reads many times faster than numbers; a list of numbers only where characters do not suffice.
    """
    rows = list(rows)
    fields = list(dict.fromkeys(field for row in rows for field in row))
    packed = [_pack_column([row.get(field, _UNSAID) for row in rows]) for field in fields]
    return {
        "fields": fields,
        "columns": [column for column, _ in packed],
        "positions": [positions for _, positions in packed],
    }


def _pack_column(values: Iterable[Any]) -> tuple[list[Any], str | list[int]]:
    distinct = {repr(value): value for value in values if value is not _UNSAID}
    at = {text: position for position, text in enumerate(distinct)}
    positions = [len(at) if value is _UNSAID else at[repr(value)] for value in values]
    if len(distinct) < _MOST:
        return [*distinct.values()], "".join(chr(_FIRST + position) for position in positions)
    return [*distinct.values()], positions


def unpack(
    packed: Mapping[str, Any], cls: type[T], decoders: Mapping[str, Callable[[Any], Any]]
) -> tuple[T, ...]:
    """Return the rows as instances of a record; what a row does not say has the field's default.

    A row takes its values out of the columns when they are asked for: most rows are asked for few.
    """
    defaults = defaults_of(cls)
    columns = {
        field: _Column(field, values, positions, decoders[field], defaults.get(field))
        for field, values, positions in zip(
            packed["fields"], packed["columns"], packed["positions"], strict=True
        )
    }
    rows = type(cls.__name__, (cls,), {**defaults, **columns, "__module__": cls.__module__})
    count = len(packed["positions"][0]) if packed["positions"] else 0
    return tuple([instance_of(rows, {_PLACE: place}) for place in range(count)])


class _Column:
    """A field of packed rows, as an attribute of their class: puts a row's value into the row when first asked."""

    def __init__(
        self,
        field: str,
        values: list[Any],
        positions: str | list[int],
        decode: Callable[[Any], Any],
        default: Any,
    ) -> None:
        self._field = field
        self._values = values
        self._positions = positions
        self._decode = decode
        # The position behind the last value stands for a row that does not say the field.
        behind: str | int = chr(_FIRST + len(values)) if isinstance(positions, str) else len(values)
        self._decoded: dict[str | int, Any] = {behind: default}

    def __get__(self, row: Any, _: type | None = None) -> Any:
        if row is None:
            return self
        content = row.__dict__
        at = self._positions[content[_PLACE]]
        if at not in self._decoded:
            number = ord(at) - _FIRST if isinstance(at, str) else at
            self._decoded[at] = self._decode(self._values[number])
        value = content[self._field] = self._decoded[at]
        return value


def instance_of(cls: type[T], content: dict[str, Any]) -> T:
    """Make an instance whose fields are these; it keeps the mapping.

    Its own `__init__` sets field by field, which takes five times as long for thousands of rows.
    """
    instance = object.__new__(cls)
    object.__setattr__(instance, "__dict__", content)
    return instance


def defaults_of(cls: Any) -> dict[str, Any]:
    """Return what the fields of a dataclass hold that nobody sets."""
    defaults = {}
    for field in dataclass_fields(cls):
        if field.default is not MISSING:
            defaults[field.name] = field.default
        elif field.default_factory is not MISSING:
            defaults[field.name] = field.default_factory()
    return defaults

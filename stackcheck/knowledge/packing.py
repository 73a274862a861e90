"""Rows as columns of distinct values: matrices repeat few values in many rows, so each is stored and decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING
from dataclasses import fields as dataclass_fields
from operator import getitem
from typing import Any, TypeVar

__all__ = ["pack", "unpack"]

T = TypeVar("T")

_MISSING = -1
"""Position of a value that a row does not say: the last of its column, where `unpack` puts the default."""


def pack(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the rows as `fields`, `columns` (the distinct values of each field) and `rows` of positions in them."""
    rows = list(rows)
    fields = list(dict.fromkeys(field for row in rows for field in row))
    columns: list[list[Any]] = [[] for _ in fields]
    positions: list[dict[str, int]] = [{} for _ in fields]
    packed = []
    for row in rows:
        line = []
        for number, field in enumerate(fields):
            if field not in row:
                line.append(_MISSING)
                continue
            value = row[field]
            at = positions[number].setdefault(repr(value), len(columns[number]))
            if at == len(columns[number]):
                columns[number].append(value)
            line.append(at)
        packed.append(line)
    return {"fields": fields, "columns": columns, "rows": packed}


def unpack(
    packed: Mapping[str, Any], cls: type[T], decoders: Mapping[str, Callable[[Any], Any]]
) -> tuple[T, ...]:
    """Return the rows as instances of a dataclass; what a row does not say has the field's default.

    A frozen dataclass sets its fields one by one, which takes five times as long for thousands of rows as filling the
    new instance at once does.
    """
    defaults = _defaults(cls)
    fields = packed["fields"]
    columns = [
        [*map(decoders[field], column), defaults.get(field)]
        for field, column in zip(fields, packed["columns"], strict=True)
    ]
    unsaid = {name: value for name, value in defaults.items() if name not in fields}
    instances = []
    for line in packed["rows"]:
        instance = object.__new__(cls)
        content = vars(instance)
        content.update(unsaid)
        content.update(zip(fields, map(getitem, columns, line), strict=True))
        instances.append(instance)
    return tuple(instances)


def _defaults(cls: Any) -> dict[str, Any]:
    defaults = {}
    for field in dataclass_fields(cls):
        if field.default is not MISSING:
            defaults[field.name] = field.default
        elif field.default_factory is not MISSING:
            defaults[field.name] = field.default_factory()
    return defaults

"""Rows as columns of distinct values: matrices repeat few values in many rows, so each is stored and decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["pack", "unpack"]

_MISSING = -1


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
    packed: Mapping[str, Any], decoders: Mapping[str, Callable[[Any], Any]]
) -> Iterator[dict[str, Any]]:
    """Yield each row's decoded values by field; what it does not say is left out."""
    fields = packed["fields"]
    columns = [
        [decoders[field](value) for value in column]
        for field, column in zip(fields, packed["columns"], strict=True)
    ]
    for line in packed["rows"]:
        yield {
            field: column[at]
            for field, column, at in zip(fields, columns, line, strict=True)
            if at != _MISSING
        }

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field, replace

import pytest

from stackcheck.knowledge.packing import pack, unpack
from stackcheck.model.record import record


@record(frozen=True, eq=False)
class Row:
    name: str
    number: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    word: str = "none"


ROWS = [
    {"name": "a", "number": "1", "tags": {"x": "y"}},
    {"name": "b"},
    {"name": "c", "number": "1"},
    {"name": "d", "number": None},
]


def decoders(seen: list[object] | None = None):
    def number(value):
        if seen is not None:
            seen.append(value)
        return None if value is None else int(value)

    return {"name": str, "number": number, "tags": dict, "word": str}


def through_json(packed):
    return json.loads(json.dumps(packed, ensure_ascii=False))


def test_rows_come_back_with_the_defaults_of_what_they_do_not_say():
    rows = unpack(through_json(pack(ROWS)), Row, decoders())
    assert [asdict(row) for row in rows] == [
        {"name": "a", "number": 1, "tags": {"x": "y"}, "word": "none"},
        {"name": "b", "number": None, "tags": {}, "word": "none"},
        {"name": "c", "number": 1, "tags": {}, "word": "none"},
        {"name": "d", "number": None, "tags": {}, "word": "none"},
    ]
    assert all(isinstance(row, Row) for row in rows)


def test_a_distinct_value_is_decoded_once_and_only_when_somebody_asks():
    seen: list[object] = []
    rows = unpack(pack(ROWS), Row, decoders(seen))
    assert rows[2].name == "c"
    assert seen == []
    assert (rows[0].number, rows[2].number, rows[2].number) == (1, 1, 1)
    assert seen == ["1"]


def test_rows_stay_frozen_and_can_be_replaced():
    row = unpack(pack(ROWS), Row, decoders())[0]
    with pytest.raises(AttributeError):
        row.name = "z"
    assert asdict(replace(row, word="other")) == {
        "name": "a",
        "number": 1,
        "tags": {"x": "y"},
        "word": "other",
    }


def test_more_values_than_there_are_characters_come_back():
    rows = [{"name": str(number)} for number in range(56_000)]
    packed = through_json(pack(rows))
    found = unpack(packed, Row, decoders())
    assert [found[at].name for at in (0, 1, 55_999)] == ["0", "1", "55999"]


def test_a_quotation_mark_and_a_backslash_stand_for_positions_too():
    rows = [{"name": str(number)} for number in range(100)]
    found = unpack(through_json(pack(rows)), Row, decoders())
    assert [row.name for row in found] == [str(number) for number in range(100)]


def test_no_rows_are_no_rows():
    assert unpack(pack([]), Row, decoders()) == ()

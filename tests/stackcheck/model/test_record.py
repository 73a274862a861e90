from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, field, fields, replace

import pytest
from pydantic import TypeAdapter, ValidationError

from stackcheck.model.record import record


@record(frozen=True)
class Board:
    name: str
    memory: int = 0
    facts: Mapping[str, int] = field(default_factory=dict)


@record(frozen=True)
class Card(Board):
    slot: int = 1


@record(frozen=True, eq=False, kw_only=True)
class Row:
    key: str
    note: str = ""


def test_takes_values_by_place_and_by_name_and_fills_in_defaults() -> None:
    board = Board("H100", memory=80)
    assert (board.name, board.memory, board.facts) == ("H100", 80, {})
    assert Card("H100", 80, {}, 3).slot == 3
    assert [entry.name for entry in fields(Card)] == ["name", "memory", "facts", "slot"]


def test_gives_each_instance_its_own_default() -> None:
    assert Board("a").facts is not Board("b").facts


@pytest.mark.parametrize(
    "make",
    [
        Board,
        lambda: Board("a", memry=1),  # type: ignore[call-arg]
        lambda: Board(memry=1),  # type: ignore[call-arg]
        lambda: Board("a", 1, {}, 4),  # type: ignore[call-arg]
        lambda: Row("a"),  # type: ignore[call-arg]
    ],
)
def test_refuses_what_its_fields_do_not_say(make: object) -> None:
    with pytest.raises(TypeError):
        make()  # type: ignore[operator]


def test_is_never_changed() -> None:
    board = Board("a")
    with pytest.raises(FrozenInstanceError):
        board.memory = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del board.memory
    assert replace(board, memory=3) == Board("a", 3)
    assert board.memory == 0


def test_is_equal_by_value_within_its_class_unless_told_otherwise() -> None:
    assert Board("a") == Board("a")
    assert Board("a") != Board("b")
    assert Board("a") != Card("a")
    assert Row(key="a") != Row(key="a")
    assert len({Row(key="a"), Row(key="a")}) == 2


def test_hashes_by_value() -> None:
    @record(frozen=True)
    class Point:
        x: int
        y: int = 0

    assert {Point(1): "one"}[Point(1, 0)] == "one"


def test_shows_its_class_and_fields() -> None:
    assert repr(Row(key="a")) == "Row(key='a', note='')"


def test_is_a_dataclass_to_the_libraries() -> None:
    card = Card("a", slot=2)
    assert asdict(card) == {"name": "a", "memory": 0, "facts": {}, "slot": 2}
    assert pickle.loads(pickle.dumps(card)) == card
    adapter = TypeAdapter(Card)
    assert adapter.validate_python({"name": "a", "slot": 2}) == card
    with pytest.raises(ValidationError):
        adapter.validate_python({"name": "a", "slot": "none"})


def test_takes_no_class_that_changes() -> None:
    with pytest.raises(TypeError):
        record(frozen=False)

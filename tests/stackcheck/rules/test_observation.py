from __future__ import annotations

import pytest

from stackcheck.model.fact import Undecided
from stackcheck.rules.observation import file_of, find_all, limit_of, observed, variable_of
from stackcheck.rules.scope import NotApplicable
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    changed,
    healthy,
    known,
    with_files,
    with_limits,
    with_variables,
)


def test_absence_and_ignorance_are_evidence_too():
    assert observed("x", known(3), lambda value: f"{value} GPUs").value == "3 GPUs"
    assert observed("x", ABSENT).value == "absent"
    assert observed("x", UNKNOWN).value == "unknown (nobody could tell)"
    assert observed("x", known(3)).source == "test"


def test_a_wrong_one_is_found_beside_one_that_nobody_knows():
    assert find_all([UNKNOWN, known(5)], lambda fact: fact, lambda value: value > 3) == [known(5)]


def test_without_a_wrong_one_everything_must_be_known():
    assert find_all([known(1), ABSENT], lambda fact: fact, lambda value: value > 3) == []
    with pytest.raises(Undecided):
        find_all([known(1), UNKNOWN], lambda fact: fact, lambda value: value > 3)


def test_a_small_fact_that_was_not_looked_for_does_not_apply():
    with pytest.raises(NotApplicable, match="size of /dev/shm"):
        limit_of(healthy(), "shm_bytes")
    with pytest.raises(NotApplicable, match="Docker"):
        file_of(healthy(), "/etc/docker/daemon.json")
    assert limit_of(with_limits(healthy(), shm_bytes=UNKNOWN), "shm_bytes") == UNKNOWN


def test_a_file_below_the_home_is_found_by_its_end():
    machine = with_files(healthy(), {"~/.keras/keras.json": "{}"})
    assert file_of(machine, ".keras/keras.json").get() == "{}"


def test_a_variable_is_none_where_it_is_not_set():
    assert variable_of(with_variables(healthy(), A="1"), "A") == "1"
    assert variable_of(healthy(), "A") is None
    with pytest.raises(Undecided):
        variable_of(changed(healthy(), host__variables=UNKNOWN), "A")

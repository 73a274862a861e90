from __future__ import annotations

import pickle

import pytest

from stackcheck.errors import InputError
from stackcheck.model.expectation import Expectation
from stackcheck.model.machine import Machine
from stackcheck.probe.expectation_file import read_expectation
from stackcheck.probe.facts_file import write_machine
from tests.stackcheck.sketch import healthy


def write(tmp_path, text):
    path = tmp_path / "expected.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_ranges_and_states_are_read_from_yaml_and_from_json(tmp_path):
    path = write(
        tmp_path, "driver: '>=570.86,<581'\ngpus: 8\necc: true\nframeworks: {pytorch: '==2.9.*'}\n"
    )
    expected = Expectation(
        str(path), driver=">=570.86,<581", gpus=8, ecc=True, frameworks={"pytorch": "==2.9.*"}
    )
    assert read_expectation(path) == expected
    path = write(
        tmp_path,
        '{"driver": ">=570.86,<581", "gpus": 8, "ecc": true, "frameworks": {"pytorch": "==2.9.*"}}',
    )
    assert read_expectation(path) == expected


def test_a_probed_machine_is_taken_as_one_and_travels_to_other_processes(tmp_path):
    path = tmp_path / "machine.json"
    write_machine(healthy(8), path)
    machine = read_expectation(path)
    assert isinstance(machine, Machine)
    assert pickle.loads(pickle.dumps(machine)) == machine
    assert str(pickle.loads(pickle.dumps(machine)).driver.release.get()) == "580.95.05"


def test_every_fault_is_told_at_once(tmp_path):
    path = write(
        tmp_path,
        "drivers: '>=1'\ndriver: 570.86\ncuda: newest\ngpus: eight\necc: maybe\nframeworks: [pytorch]\n",
    )
    with pytest.raises(InputError) as caught:
        read_expectation(path)
    for words in (
        "drivers: no such",
        "driver: a range",
        "cuda: 'newest'",
        "gpus: a number",
        "ecc: true or",
        "frameworks: a map",
    ):
        assert any(words in fault for fault in caught.value.faults), words
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "{", "\x00", "!!python/object:os.system {}"])
def test_what_is_no_mapping_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read_expectation(write(tmp_path, text))
    assert len(caught.value.faults) == 1


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_expectation(tmp_path / "absent.yaml")

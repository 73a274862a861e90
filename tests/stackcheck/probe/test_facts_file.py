from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from stackcheck.errors import InputError
from stackcheck.model.machine import Machine
from stackcheck.probe.facts_file import (
    machine_document,
    probe_facts_file,
    read_machine,
    write_machine,
)
from stackcheck.probe.machine import probe_machine
from tests.hardware.driver import FakeDriver


@pytest.fixture
def machine(fake_driver: FakeDriver) -> Machine:
    fake_driver.play({"count": 2, "gpu.1.mig": 1, "gpu.1.mig_count": 2, "driver": "580.95.05"})
    return probe_machine()


def faults(document: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_machine(json.dumps(document), "facts.json")
    return list(caught.value.faults)


def test_a_written_machine_is_read_back_the_same(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_machine(machine, path)
    assert probe_facts_file(path) == dataclasses.replace(machine, origin=str(path))
    release = probe_facts_file(path).driver.release.get()
    assert str(release) == "580.95.05"


def test_nothing_but_the_file_is_left_behind(machine: Machine, tmp_path: Path) -> None:
    write_machine(machine, tmp_path / "facts.json")
    assert [path.name for path in tmp_path.iterdir() if path.name != "scenario"] == ["facts.json"]


def test_a_path_that_cannot_be_written_is_an_input_error(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_machine(machine, tmp_path / "none" / "facts.json")


def test_printing_does_not_need_pydantic() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from stackcheck.model.machine import Machine;"
        " from stackcheck.probe.facts_file import machine_document; machine_document(Machine());"
        " import stackcheck.probe.machine;"
        " assert not {'pydantic', 'pynvml', 'numpy', 'yaml', 'typer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_a_document_of_doctor_is_taken_for_the_machine_inside(machine: Machine) -> None:
    document = {"schema": "stackcheck.doctor/1", "machine": machine_document(machine)}
    assert read_machine(json.dumps(document), "x") == machine


def test_fields_of_a_newer_release_are_passed_over(machine: Machine) -> None:
    document = machine_document(machine) | {"invented": 7}
    document["host"]["invented"] = {"state": "known"}
    assert read_machine(json.dumps(document), "x") == machine


def test_a_version_that_is_none_is_named_with_its_place(machine: Machine) -> None:
    document = machine_document(machine)
    document["driver"]["release"]["value"] = "new"
    (fault,) = faults(document)
    assert fault.startswith("facts.json: driver.release.value: ")
    assert "'new' is not a version" in fault


def test_all_faults_are_named_at_once(machine: Machine) -> None:
    document = machine_document(machine)
    document["driver"]["release"]["value"] = "new"
    document["gpus"]["value"][1]["name"] = {"state": "known", "value": 7, "source": "x"}
    document["pci"] = "none"
    document["host"]["kernel"] = {"state": "perhaps"}
    places = [fault.split(": ")[1] for fault in faults(document)]
    assert sorted(places) == [
        "driver.release.value",
        "gpus.value[1].name.value",
        "host.kernel",
        "pci",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ('{"schema": "stackcheck.machine/1", "gpus": 7', "is no JSON"),
        ("[]", "a JSON object is needed"),
        ("{}", "schema is None"),
        ('{"schema": "stackcheck.machine/2"}', "schema is 'stackcheck.machine/2'"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_machine_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_machine(text, "facts.json")
    (fault,) = caught.value.faults
    assert words in fault
    assert "\n" not in fault


def test_a_missing_file_and_a_directory_are_named(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.json", "no such file"), (tmp_path, "not a file")):
        with pytest.raises(InputError, match=words):
            probe_facts_file(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with path.open("wb") as file:
        file.truncate(33 << 20)
    with pytest.raises(InputError, match="more than 32 MiB"):
        probe_facts_file(path)

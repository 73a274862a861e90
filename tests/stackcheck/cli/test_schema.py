from __future__ import annotations

import json

import jsonschema
import pytest

from stackcheck.cli.app import run
from stackcheck.render.write_schemas import FOLDER, NAMES, schema_text

H100 = [
    *("--gpu", "NVIDIA H100 80GB HBM3", "--driver", "570.133.07"),
    *("--os", "Ubuntu 22.04", "--python", "3.11"),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_file_is_what_the_types_say(name):
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == schema_text(name)


def test_no_file_is_left_over():
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_printed_as_it_ships(name, capsys):
    assert run(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["$id"] == f"stackcheck.{name}/1"


def test_without_a_name_they_are_listed(capsys):
    assert run(["schema"]) == 0
    assert capsys.readouterr().out.split() == sorted(NAMES)
    assert run(["schema", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(NAMES)


def test_a_name_that_is_none_is_wrong_usage(capsys):
    assert run(["schema", "doktor"]) == 2
    assert "there are" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("machine", ["probe"]),
        ("doctor", ["doctor", "--json"]),
        ("check", ["check", "pytorch+cu130==2.9.0", *H100, "--json"]),
        ("check", ["check", "pytorch+cu128==2.9.0", *H100, "--json"]),
        ("resolve", ["resolve", "pytorch", *H100, "--json"]),
        ("resolve", ["resolve", "pytorch>=2.9", "--gpu", "Tesla K80", "--json"]),
        ("explain", ["explain", "DR-01", "--json"]),
        ("matrix-show", ["matrix", "show", "pytorch", "--json"]),
    ],
)
def test_what_commands_print_fits_their_schema(name, arguments, capfd):
    run(arguments)
    document = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, json.loads(schema_text(name)))
    if name != "machine":
        assert {"schema", "stackcheck", "time"} <= set(document)


def test_a_document_that_lacks_a_promise_does_not_fit(capfd):
    run(["doctor", "--json"])
    document = json.loads(capfd.readouterr().out)
    del document["findings"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(schema_text("doctor")))

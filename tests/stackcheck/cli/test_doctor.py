from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from stackcheck.cli.app import run
from stackcheck.probe.facts_file import write_machine
from tests.stackcheck.sketch import UNKNOWN, changed, healthy, with_variables, without_gpu

MISMATCH = changed(healthy(), driver__module__version="575.57.08", driver__nvml_code=18)


@pytest.fixture
def facts(tmp_path):
    """Write a machine to a facts file and return its name."""

    def write(machine):
        path = tmp_path / "machine.json"
        write_machine(machine, path)
        return str(path)

    return write


@pytest.fixture
def doctor(facts, capsys):
    """Run doctor on a machine; return status, standard output and standard error."""

    def call(machine, *arguments):
        status = run(["doctor", "--facts", facts(machine), *arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.mark.parametrize(
    ("machine", "arguments", "status"),
    [
        (healthy(), [], 0),
        (MISMATCH, [], 1),
        (changed(healthy(), driver__module__flavour=UNKNOWN), [], 3),
        (without_gpu(), [], 0),
        (without_gpu(), ["--require-gpu"], 1),
        (with_variables(healthy(), CUDA_FORCE_PTX_JIT="1"), [], 0),
        (with_variables(healthy(), CUDA_FORCE_PTX_JIT="1"), ["--fail-on", "warning"], 1),
        (MISMATCH, ["--only", "visibility"], 0),
        (MISMATCH, ["--skip", "KM", "--skip", "driver"], 0),
        (MISMATCH, ["--only", "KM-05"], 1),
    ],
)
def test_exit_status(doctor, machine, arguments, status):
    assert doctor(machine, *arguments)[0] == status


@pytest.mark.parametrize(
    "form", ["text", "json", "markdown", "html", "junit", "github", "reason", "prometheus"]
)
def test_the_exit_status_is_the_same_in_every_format(doctor, form):
    assert doctor(MISMATCH, "--format", form)[0] == 1
    assert doctor(healthy(), "--format", form)[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "NOPE"],
        ["--format", "yaml"],
        ["--fail-on", "info"],
        ["--timeout", "nan"],
        ["--json", "--format", "html"],
        ["--only", "KM", "--skip", "KM"],
        ["--output", "/nowhere/at/all/report.txt"],
    ],
)
def test_wrong_usage_ends_with_2_and_one_clear_line(doctor, arguments):
    status, out, err = doctor(healthy(), *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_all_faults_of_a_command_line_are_told_at_once(doctor):
    _, _, err = doctor(healthy(), "--format", "yaml", "--fail-on", "info", "--env", "/env")
    assert len(err.splitlines()) == 3


def test_a_facts_file_that_is_none_is_named(capsys, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"schema": "stackcheck.machine/1", "gpus": 7}')
    assert run(["doctor", "--facts", str(bad)]) == 2
    assert "gpus" in capsys.readouterr().err
    assert run(["doctor", "--facts", str(tmp_path / "absent.json")]) == 2


def test_json_fits_its_published_schema(doctor, capsys):
    _, out, _ = doctor(MISMATCH, "--json")
    run(["schema", "doctor"])
    schema = json.loads(capsys.readouterr().out)
    document = json.loads(out)
    jsonschema.validate(document, schema)
    assert document["schema"] == "stackcheck.doctor/1"
    assert document["target"] == "/env"
    assert document["knowledge"]["as_of"]
    assert document["findings"][0]["consequences"][0].startswith("DR-11")


def test_a_machine_in_the_document_is_a_facts_file_again(doctor, tmp_path, capsys):
    _, out, _ = doctor(MISMATCH, "--json")
    again = tmp_path / "again.json"
    again.write_text(out)
    assert run(["doctor", "--facts", str(again), "--json"]) == 1
    assert (
        json.loads(capsys.readouterr().out)["machine"]["gpus"] == json.loads(out)["machine"]["gpus"]
    )


def test_the_report_goes_to_a_file_and_nothing_to_standard_output(doctor, tmp_path):
    target = tmp_path / "report.xml"
    status, out, _ = doctor(MISMATCH, "--format", "junit", "--output", str(target))
    assert (status, out) == (1, "")
    assert ET.parse(target).getroot().tag == "testsuite"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_redact_takes_out_host_and_uuid(doctor):
    _, out, _ = doctor(MISMATCH, "--json", "--redact")
    assert "gpunode07" not in out
    assert "GPU-00000000" not in out


def test_this_very_machine_is_judged_without_a_traceback(capfd):
    status = run(["doctor", "--json"])
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert status in (0, 1, 3)
    assert document["checks"]
    assert "crashed" not in {check["outcome"] for check in document["checks"]}
    assert "Traceback" not in out + err


def test_doctor_imports_neither_numpy_nor_pynvml_nor_pydantic():
    code = (
        "import sys; from stackcheck.cli.app import run; run(['doctor', '--format', 'reason']);"
        "print(sorted({'numpy', 'pynvml', 'pydantic', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_probe_writes_a_facts_file_whole(tmp_path, capsys):
    target = tmp_path / "here.json"
    assert run(["probe", "--output", str(target)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(target.read_text())["schema"] == "stackcheck.machine/1"
    assert run(["doctor", "--facts", str(target), "--format", "reason"]) in (0, 1, 3)


def test_probe_prints_json_alone(capfd):
    assert run(["probe"]) == 0
    assert json.loads(capfd.readouterr().out)["origin"] == "probe"


def test_probe_into_a_folder_that_is_not_there_is_wrong_usage(capsys):
    assert run(["probe", "--output", "/nowhere/at/all/machine.json"]) == 2
    assert "/nowhere/at/all" in capsys.readouterr().err


def test_expect_warns_where_a_machine_differs_from_another(doctor, tmp_path):
    reference = tmp_path / "expected.json"
    write_machine(healthy(8), reference)
    status, out, _ = doctor(healthy(7), "--expect", str(reference), "--fail-on", "warning")
    assert status == 1
    assert "7 x NVIDIA H100 80GB HBM3 here, 8 x NVIDIA" in " ".join(out.split())
    assert doctor(healthy(8), "--expect", str(reference), "--fail-on", "warning")[0] == 0
    assert doctor(healthy(), "--expect", str(tmp_path / "absent.json"))[0] == 2

"""check and resolve from outside, as another program calls them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from stackcheck.knowledge.knowledge import load
from stackcheck.probe.facts_file import write_machine
from stackcheck.resolve.stated import Statement, state_machine

KNOWLEDGE = load()


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "stackcheck", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def answer(*arguments):
    done = run(*arguments, "--json")
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def facts(tmp_path):
    machine = state_machine(
        Statement(gpu=["A100"], driver="535.183.01", os="Ubuntu 22.04"), KNOWLEDGE
    )
    write_machine(machine, tmp_path / "node.json")
    return str(tmp_path / "node.json")


def test_a_facts_file_is_the_machine(facts):
    status, document = answer("check", "pytorch+cu130==2.9.0", "--facts", facts)
    assert (status, document["verdict"]) == (1, "fails")
    assert document["violations"][0]["reason"] == "driver-too-old-for-cuda"


def test_flags_override_single_facts_of_a_facts_file(facts):
    status, document = answer(
        "check", "pytorch+cu130==2.9.0", "--facts", facts, "--driver", "580.95.05"
    )
    assert (status, document["verdict"]) == (0, "works")


def test_a_plan_for_several_facts_files(facts, tmp_path):
    machine = state_machine(
        Statement(gpu=["B200"], driver="580.95.05", os="Ubuntu 24.04"), KNOWLEDGE
    )
    write_machine(machine, tmp_path / "other.json")
    status, document = answer(
        "resolve", "pytorch", "--facts", facts, "--facts", str(tmp_path / "other.json")
    )
    assert status == 0
    assert document["plan"]["cuda"].startswith("12.")


def test_every_document_has_the_common_head():
    _, document = answer("resolve", "pytorch", "--gpu", "A100")
    assert {"schema", "stackcheck", "time", "knowledge"} <= set(document)
    assert document["schema"] == "stackcheck.resolve/1"


@pytest.mark.parametrize(
    "arguments",
    [
        ("resolve", "pytorch=="),
        ("resolve", "pytroch"),
        ("check", "pytorch", "--facts", "absent.json"),
        ("check", "pytorch", "-r", "absent.txt"),
        ("check", "pytorch", "--gpu", "RTX 3909"),
        ("check", "pytorch", "--driver", "new"),
        ("check", "pytorch", "--elsewhere", "--facts", "absent.json"),
        ("resolve", "numpy"),
        ("resolve", "pytorch", "--prefer", "best"),
        ("check", "pytorch", "--no-such-option"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_status_2(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert not done.stdout


def test_all_faults_come_at_once():
    done = run("check", "pytorch==", "pytroch", "--elsewhere")
    assert done.stderr.count("error:") == 2


def test_global_options_stand_before_or_after_the_command():
    before = run("--no-color", "check", "pytorch", "--elsewhere")
    after = run("check", "pytorch", "--elsewhere", "--no-color")
    assert before.returncode == after.returncode == 0
    assert before.stdout == after.stdout
    assert "\x1b" not in before.stdout

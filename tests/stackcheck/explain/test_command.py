"""The command as users meet it, on machines laid out as trees."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from stackcheck.cli.app import run

PROMISED = {"code": str, "reason": str, "title": str, "confirm": str, "fix": str}
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"


@pytest.fixture
def ask(capsys):
    """Run the command on the machine that a test has laid out."""

    def run_it(*arguments):
        status = run(["explain", *arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(
            status=status, out=out, err=err, causes=lambda: json.loads(out)["causes"]
        )

    return run_it


@pytest.fixture
def explain(ask, machine_tree):
    """Run the command on a server without a GPU."""
    machine_tree("cpu-server")
    return ask


@pytest.fixture
def paste(monkeypatch):
    def give(data: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))

    return give


def test_a_message_gives_causes_as_promised(explain):
    done = explain("--json", MISMATCH)
    assert done.status == 0
    assert json.loads(done.out)["schema"] == "stackcheck.explain/1"
    for cause in done.causes():
        assert {key: type(cause[key]) for key in PROMISED} == PROMISED
        assert cause["confirmed"] in (True, False, None)
    assert done.causes()[0]["code"] == "KM-05"


def test_a_machine_that_has_the_fault_confirms_it(ask, machine_tree):
    machine_tree("km05-upgraded-without-reboot")
    first = ask("--json", MISMATCH).causes()[0]
    assert (first["code"], first["confirmed"]) == ("KM-05", True)


@pytest.mark.parametrize(
    ("machine", "message", "code"),
    [
        (
            "km01-nouveau",
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver; lsmod shows nouveau",
            "KM-01",
        ),
        (
            "dr01-driver-too-old",
            "CUDA driver version is insufficient for CUDA runtime version",
            "DR-01",
        ),
        (
            "vs01-all-hidden",
            "RuntimeError: No CUDA GPUs are available, CUDA_VISIBLE_DEVICES is empty",
            "VS-01",
        ),
        ("dv02-no-permission", "Failed to open /dev/nvidiactl: Permission denied", "DV-02"),
    ],
)
def test_broken_machines_confirm_their_message(ask, machine_tree, machine, message, code):
    machine_tree(machine)
    confirmed = {cause["code"]: cause["confirmed"] for cause in ask("--json", message).causes()}
    assert confirmed[code] is True


def test_a_machine_that_is_well_denies_it(ask, machine_tree):
    machine_tree("rtx4090-desktop")
    assert ask("--json", MISMATCH).causes()[0]["confirmed"] is False


def test_nothing_is_asked_of_the_machine_on_request(ask, machine_tree):
    machine_tree("km05-upgraded-without-reboot")
    causes = ask("--json", "--no-confirm", MISMATCH).causes()
    assert {cause["confirmed"] for cause in causes} == {None}


def test_people_read_the_cause_the_line_the_fix_and_whether_it_is_here(ask, machine_tree):
    machine_tree("km05-upgraded-without-reboot")
    done = ask(MISMATCH)
    assert done.out.startswith("1. KM-05 ")
    for word in ("seen     line 1:", "confirm  ", "fix      ", "here     yes"):
        assert word in done.out


def test_standard_input_is_read_for_a_dash(explain, paste):
    paste(b"first line\n" + MISMATCH.encode() + b"\n\xff\xfe")
    first = explain("--json", "-").causes()[0]
    assert (first["code"], first["line"], first["message"]) == ("KM-05", 2, MISMATCH)


def test_words_need_no_quotation_marks(explain):
    assert explain("--json", *MISMATCH.split()).causes()[0]["code"] == "KM-05"


def test_a_code_is_told_with_its_rule(explain):
    done = explain("--json", "dr-01")
    document = json.loads(done.out)
    assert done.status == 0
    assert document["causes"][0]["code"] == "DR-01"
    assert document["rule"]["reason"] == "driver-too-old-for-cuda"
    assert document["rule"]["messages"]
    assert document["rule"]["source"]


def test_a_code_without_a_rule_is_told_too(explain):
    done = explain("NC-04")
    assert done.status == 0
    assert "no rule can see this on a machine" in done.out


def test_a_rule_without_messages_is_told_from_the_rule(explain):
    done = explain("PY-24")
    assert done.status == 0
    assert "stackcheck doctor --only PY-24" in done.out


@pytest.mark.parametrize(("lang", "heading"), [("en", "\nhere\n"), ("zh", "本机")])
def test_a_topic_is_told_in_a_language(explain, lang, heading):
    done = explain("--lang", lang, "cuda")
    assert done.status == 0
    assert heading in done.out


def test_a_topic_is_a_document_too(explain):
    document = json.loads(explain("--json", "--lang", "zh", "cudnn").out)
    assert document["causes"] == []
    assert (document["topic"]["name"], document["topic"]["lang"]) == ("cudnn", "zh")
    assert document["topic"]["goes_wrong"]


def test_an_unknown_text_ends_with_3_and_is_a_document_still(explain):
    done = explain("--json", "the quick brown fox")
    assert done.status == 3
    assert done.causes() == []
    assert "nothing in this text is known" in explain("the quick brown fox").out


@pytest.mark.parametrize(
    "arguments", [[""], ["  "], [], ["ZZ-99"], ["cudda"], ["--lang", "fr", "cuda"]]
)
def test_bad_input_ends_with_2(explain, arguments):
    done = explain(*arguments)
    assert done.status == 2
    assert not done.out
    assert done.err


def test_empty_standard_input_ends_with_2(explain, paste):
    paste(b"\n")
    done = explain("-")
    assert done.status == 2
    assert "empty" in done.err


def test_a_file_is_asked_for_on_standard_input(explain, tmp_path):
    log = tmp_path / "train.log"
    log.write_text(MISMATCH, encoding="utf-8")
    done = explain(str(log))
    assert done.status == 2
    assert f"explain - < {log}" in done.err

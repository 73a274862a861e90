from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcheck.cli.app import run
from stackcheck.cli.repair import runnable
from stackcheck.model.finding import Finding, Fix
from tests.stackcheck.sketch import environment, healthy, with_distributions

PLAIN = with_distributions(healthy(), "pip==25.0").environment.get()


def finding(*commands, **facts):
    return Finding("PY-99", "other", "warning", "python", "t", fix=Fix("do", commands, **facts))


@pytest.fixture
def prefix(tmp_path):
    """A real environment with an old NVML binding, made offline: a wheel is a folder with metadata."""
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "uv", "venv", "-q", str(home)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    information = site / "pynvml-8.0.4.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pynvml\nVersion: 8.0.4\n")
    (information / "RECORD").write_text(
        "pynvml-8.0.4.dist-info/METADATA,,\npynvml-8.0.4.dist-info/RECORD,,\n"
    )
    return home


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("UV_OFFLINE", "1")


def is_installed(prefix: Path) -> bool:
    return any(prefix.glob("lib/python*/site-packages/pynvml-8.0.4.dist-info/METADATA"))


def test_a_dry_run_shows_the_commands_and_runs_none(prefix, capsys):
    run(["doctor", "--env", str(prefix), "--only", "PY-15", "--fix", "--dry-run"])
    told = capsys.readouterr().err
    assert "uv pip uninstall" in told
    assert str(prefix / "bin" / "python") in told
    assert is_installed(prefix)


def test_who_does_not_answer_says_no(prefix, capsys, monkeypatch):
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        run(["doctor", "--env", str(prefix), "--only", "PY-15", "--fix"])
    assert "run this?" in capsys.readouterr().err
    assert is_installed(prefix)


def test_with_yes_the_fix_is_run_and_what_was_installed_is_written_down(prefix, tmp_path, capfd):
    run(["doctor", "--env", str(prefix), "--only", "PY-15", "--fix", "--yes", "--json"])
    out, err = capfd.readouterr()
    assert json.loads(out)["findings"][0]["code"] == "PY-15"
    assert not is_installed(prefix), err
    (journal,) = (tmp_path / "state").glob("**/fixes/*.txt")
    assert "pynvml==8.0.4" in journal.read_text()
    assert str(journal) in err


def test_an_environment_of_the_system_is_never_changed(capsys):
    status = run(["doctor", "--env", "/usr/bin/python3", "--only", "PY", "--fix", "--yes"])
    if status == 2:
        assert "--fix" in capsys.readouterr().err or not Path("/usr/bin/python3").exists()


@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
def test_options_of_fix_without_fix_are_wrong_usage(option):
    assert run(["doctor", option]) == 2


def test_a_recorded_machine_is_not_mended(tmp_path):
    assert run(["doctor", "--facts", str(tmp_path / "x.json"), "--fix"]) == 2
    assert run(["doctor", "--facts", str(tmp_path / "x.json"), "--deep"]) == 2


def test_only_pip_commands_that_are_reversible_may_be_run():
    mends = finding("python -m pip install 'jax[cuda12]==0.7.1'", reversible=True)
    assert runnable(mends, PLAIN) == (
        ("/env/bin/python", "-m", "pip", "install", "jax[cuda12]==0.7.1"),
    )
    assert runnable(finding("python -m pip install x"), PLAIN) == ()
    assert runnable(finding("sudo reboot", reversible=True), PLAIN) == ()
    assert (
        runnable(finding("python -m pip install x", reversible=True, needs_root=True), PLAIN) == ()
    )
    assert runnable(finding("python -m pip install x && reboot", reversible=True), PLAIN) == ()
    assert runnable(finding("python -m pip install x", "unset Y", reversible=True), PLAIN) == ()
    assert runnable(finding(reversible=True), PLAIN) == ()


def test_an_environment_without_pip_is_changed_by_uv():
    (command,) = runnable(finding("python -m pip uninstall -y x", reversible=True), environment())
    assert command == (
        *(sys.executable, "-m", "uv", "pip", "uninstall"),
        *("--python", "/env/bin/python", "x"),
    )

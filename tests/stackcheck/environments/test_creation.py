from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stackcheck.environments.creation import (
    PrefixBusy,
    creating,
    remove_environment,
    sweep,
)
from stackcheck.environments.directories import MEMORY
from stackcheck.environments.processes import TOKEN, is_alive, start_time
from stackcheck.errors import InputError

CPU = ("pytorch+cpu==2.13.0", "--no-gpu", "--installer", "uv", "--offline", "--no-verify")
MAKER = """
import sys, time
from pathlib import Path
from stackcheck.environments.creation import creating
with creating(Path(sys.argv[1]), {}) as creation:
    creation.mark()
    (creation.prefix / "bin").mkdir()
    print("made", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entry for entry in sys.path if entry))


def fail_halfway(prefix, fill):
    with creating(prefix, {}) as creation:
        creation.mark()
        fill(creation.prefix)
        raise ZeroDivisionError


@pytest.fixture
def maker():
    """Start a process that makes a prefix and never comes to an end."""
    started = []

    def start(prefix):
        child = subprocess.Popen(
            [sys.executable, "-c", MAKER, str(prefix)], stdout=subprocess.PIPE, text=True
        )
        started.append(child)
        assert child.stdout.readline() == "made\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


def test_a_committed_prefix_stays_and_a_failed_one_goes(tmp_path):
    with creating(tmp_path / "good", {}) as creation:
        creation.mark()
        creation.commit()
    with pytest.raises(ZeroDivisionError):
        fail_halfway(tmp_path / "bad", lambda prefix: (prefix / "lib").mkdir())

    assert list((tmp_path / "good" / MEMORY).iterdir()) == []
    assert not (tmp_path / "bad").exists()
    assert list((tmp_path / "state" / "creations").glob("*.json")) == []


def test_directories_without_write_access_are_removed_as_well(tmp_path):
    def fill(prefix):
        (prefix / "lib").mkdir()
        (prefix / "lib" / "file").write_text("")
        (prefix / "lib").chmod(0o500)

    with pytest.raises(ZeroDivisionError):
        fail_halfway(tmp_path / "env", fill)

    assert not (tmp_path / "env").exists()


def test_what_links_point_to_is_never_removed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.tex").write_text("years of work")
    with pytest.raises(ZeroDivisionError):
        fail_halfway(
            tmp_path / "env", lambda prefix: (prefix / "data").symlink_to(tmp_path / "data")
        )

    assert (tmp_path / "data" / "thesis.tex").read_text() == "years of work"


def test_a_second_run_on_the_same_prefix_is_refused_and_harms_nothing(tmp_path, maker):
    maker(tmp_path / "env")

    with pytest.raises(PrefixBusy, match="at work on it"), creating(tmp_path / "env", {}):
        pass
    assert sweep() == []
    assert (tmp_path / "env" / "bin").is_dir()


def test_the_next_run_removes_what_a_killed_run_left(tmp_path, maker):
    child = maker(tmp_path / "env")
    child.kill()
    child.wait()
    assert (tmp_path / "env" / "bin").is_dir()

    assert sweep() == [f"{tmp_path / 'env'}: removed what process {child.pid} left unfinished"]
    assert not (tmp_path / "env").exists()
    assert sweep() == []


def test_what_somebody_put_there_since_is_left_alone_and_named(tmp_path, maker):
    child = maker(tmp_path / "env")
    child.kill()
    child.wait()
    for entry in (tmp_path / "env" / MEMORY).iterdir():
        entry.unlink()
    (tmp_path / "env" / "thesis.tex").write_text("years of work")

    [sentence] = sweep()
    assert "bears no mark" in sentence
    assert (tmp_path / "env" / "thesis.tex").exists()


def test_a_journal_of_another_node_is_left_alone(tmp_path, maker):
    child = maker(tmp_path / "env")
    child.kill()
    child.wait()
    [journal] = (tmp_path / "state" / "creations").glob("*.json")
    journal.write_text(json.dumps({**json.loads(journal.read_text()), "node": "elsewhere"}))

    assert sweep() == []
    assert (tmp_path / "env").exists()


def test_a_damaged_journal_is_named_and_stops_nothing(tmp_path, maker):
    child = maker(tmp_path / "env")
    child.kill()
    child.wait()
    damaged = tmp_path / "state" / "creations" / "0000.json"
    damaged.write_text("{")

    sentences = sweep()
    assert any("0000.json" in sentence for sentence in sentences)
    assert not (tmp_path / "env").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_children_that_outlive_a_killed_run_are_ended_before_the_removal(tmp_path, maker):
    child = maker(tmp_path / "env")
    [journal] = (tmp_path / "state" / "creations").glob("*.json")
    token = json.loads(journal.read_text())["token"]
    orphan = subprocess.Popen(["sleep", "60"], env={**os.environ, TOKEN: token})
    while token.encode() not in Path(f"/proc/{orphan.pid}/environ").read_bytes():
        time.sleep(0.01)  # the kernel shows it a moment after the program has begun
    child.kill()
    child.wait()
    sweep()

    assert orphan.wait(10) == -signal.SIGTERM
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_removes_its_own_prefix(tmp_path, maker, number):
    child = maker(tmp_path / "env")
    child.send_signal(number)
    child.wait(10)

    assert not (tmp_path / "env").exists()
    assert list((tmp_path / "state" / "creations").glob("*.json")) == []


def test_refuses_what_is_no_empty_directory(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(InputError, match="is not a directory"), creating(tmp_path / name, {}):
            pass


def test_removes_a_whole_environment_of_ours(tmp_path):
    with creating(tmp_path / "env", {}) as creation:
        creation.mark()
        (creation.memory / "plan.json").write_text("{}")
        creation.commit()
    remove_environment(tmp_path / "env")

    assert not (tmp_path / "env").exists()


def test_a_process_is_told_from_a_later_one_of_the_same_number():
    assert is_alive(os.getpid(), start_time(os.getpid()))
    assert not is_alive(os.getpid(), "1")


@pytest.mark.slow
def test_twenty_kills_at_random_moments_leave_nothing_half_made(home, make_wheel):
    files = {f"many/module{number}.py": "x = 1\n" * 50 for number in range(4000)}
    make_wheel(home.wheels, "many", "1.0", files)
    prefix = home.path / "env"
    words = home.arguments("create-env", *CPU, "-p", prefix, "--with", "many", "--json")
    dice = random.Random(20)
    whole = 0
    for _ in range(20):
        child = subprocess.Popen(
            words, env=home.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(dice.uniform(0.2, 3.0))
        child.kill()
        child.wait()
        answer = home.run("env", "list", "--json")
        assert answer.status == 0, answer.err
        if prefix.exists():
            assert (prefix / MEMORY / "plan.json").is_file()
            assert not list((prefix / MEMORY).glob("incomplete-*"))
            subprocess.run([prefix / "bin" / "python", "-c", "import many.module3999"], check=True)
            whole += 1
            assert home.run("env", "remove", prefix, "--yes").status == 0
        assert list((home.path / "state" / "creations").glob("*.json")) == []
    assert whole < 20
    assert home.run(*words[3:]).status == 0

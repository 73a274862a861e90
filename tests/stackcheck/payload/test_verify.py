from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from importlib.resources import files
from pathlib import Path

import pytest

FOLDER = files("stackcheck.payload")
LOADER = """
import ctypes, sys
def load(path):
    ctypes.CDLL(path)
    return sys
"""


def program(framework, before=""):
    own = (FOLDER / f"verify_{framework}.py").read_text()
    return "\n".join(
        [(FOLDER / "verify.py").read_text(), own, before, "main(load, build, gpus, train)\n"]
    )


def run(interpreter, text, arguments):
    done = subprocess.run(
        [str(interpreter), "-", json.dumps({"arguments": arguments})],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def old_interpreters():
    pyenv = Path.home() / ".pyenv" / "versions"
    for minor in (6, 7, 8, 9):
        found = sorted(pyenv.glob(f"3.{minor}.*/bin/python"))
        yield pytest.param(
            found[-1] if found else shutil.which(f"python3.{minor}"), id=f"3.{minor}"
        )


@pytest.mark.parametrize("interpreter", list(old_interpreters()))
def test_runs_in_old_interpreters(interpreter):
    if interpreter is None:
        pytest.skip("no such Python on this machine")
    facts = run(interpreter, program("other"), ["json"])

    assert facts["imported"] is True
    assert facts["errors"] == {}
    assert facts["python"].startswith("3.")
    assert facts["libraries"] == [] or facts["libraries"] is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_tells_which_file_of_a_library_was_really_loaded(tmp_path):
    library = sysconfig.get_config_var("LDLIBRARY") or ""
    candidates = [
        *Path("/lib/x86_64-linux-gnu").glob("libm.so.6"),
        *Path("/lib64").glob("libm.so.6"),
        *Path("/usr/lib").glob(f"*/{library}"),
    ]
    if not candidates:
        pytest.skip("no shared library to copy")
    copied = tmp_path / "libcudart.so.12.9.79"
    shutil.copy(candidates[0], copied)
    facts = run(sys.executable, program("other", LOADER), [str(copied)])

    assert facts["libraries"] == [str(copied)]


def test_a_framework_that_is_not_there_is_an_error_of_the_import_alone():
    facts = run(sys.executable, program("mxnet"), [])

    assert facts["imported"] is False
    assert list(facts["errors"]) == ["import"]
    assert "gpus" not in facts


def test_a_failing_stage_leaves_the_others(tmp_path):
    broken = "def build(_module):\n    raise RuntimeError('no build information')\n"
    facts = run(sys.executable, program("other", broken), ["json"])

    assert facts["errors"] == {"build": "RuntimeError: no build information"}
    assert facts["imported"] is True
    assert facts["gpus"] is None


@pytest.mark.oracle
def test_pytorch_trains_and_tells_its_build():
    pytest.importorskip("torch", reason="extra `oracle`")
    facts = run(sys.executable, program("pytorch"), [])

    assert facts["errors"] == {}
    assert facts["training"]["last"] < facts["training"]["first"] / 2

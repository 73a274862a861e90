from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from stackcheck.smoke.interpreter import Interpreter, find_interpreter
from stackcheck.smoke.jobs import write_job
from stackcheck.smoke.programs import Framework, train_in_engine, train_in_framework
from tests.stackcheck.smoke import plants

PROGRAMS = sorted(
    path.name
    for path in (files("stackcheck") / "payload").iterdir()
    if path.name.startswith("train_")
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_python_3_7_and_need_nothing_but_numpy_and_their_framework(name):
    text = (files("stackcheck") / "payload" / name).read_text()
    tree = ast.parse(text, feature_version=(3, 7))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    framework = name.removeprefix("train_").removesuffix(".py")
    assert imported - sys.stdlib_module_names <= {"numpy", framework}


def test_there_is_a_program_for_every_framework_that_the_command_offers():
    from stackcheck.cli.train_smoke import _FRAMEWORKS

    assert {f"train_{framework}.py" for framework in _FRAMEWORKS} | {"train_protocol.py"} == set(
        PROGRAMS
    )


@pytest.fixture(scope="module")
def python37():
    """Python 3.7, by its name or in pyenv's folder."""
    folders = sorted(Path.home().glob(".pyenv/versions/3.7.*/bin"))
    for candidate in (
        shutil.which("python3.7"),
        *map(str, (each / "python3.7" for each in folders)),
    ):
        if (
            candidate
            and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    pytest.skip("no Python 3.7 is here")


@pytest.mark.parametrize("name", PROGRAMS)
def test_python_3_7_compiles_every_program(python37, name):
    text = (files("stackcheck") / "payload" / name).read_text()
    command = [python37, "-c", "import sys; compile(sys.stdin.read(), 'program', 'exec')"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_python_without_numpy_is_told_so_before_anything_runs(python37, tmp_path):
    subprocess.run([python37, "-m", "venv", "--without-pip", str(tmp_path / "old")], check=True)
    with pytest.raises(Exception, match="torch and numpy not installed"):
        find_interpreter(str(tmp_path / "old"), ["torch"], beside=("numpy",))


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(
    ("framework", "wheels"),
    [
        ("mxnet", ["mxnet==1.9.1", "numpy<1.22"]),
        ("torch", ["torch==1.7.1", "numpy"]),
        ("tensorflow", ["tensorflow-cpu==2.4.0", "protobuf<3.21"]),
    ],
)
def test_frameworks_of_python_3_7_train_as_the_engine_does(python37, tmp_path, framework, wheels):
    subprocess.run([python37, "-m", "venv", str(tmp_path / "old")], check=True)
    python = str(tmp_path / "old/bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", *wheels], check=True)
    tasks = ("mlp", "cnn", "rnn", "transformer")
    jobs = [write_job(tmp_path, task, "record", 5, seed=0) for task in tasks]
    jobs += [write_job(tmp_path, "mlp", "pace", 5, seed=0)]
    ours, _ = train_in_engine(tmp_path, "engine", jobs, plants.Seen())
    place = Framework(Interpreter(python, "old"), framework, "eager", "cpu")
    theirs, version = train_in_framework(place, tmp_path, "old", jobs, lambda _: None)
    assert version
    for job in jobs:
        assert theirs[job.name].failed == ""
        assert theirs[job.name].losses == pytest.approx(ours[job.name].losses, rel=1e-4)
    assert theirs["pace.mlp"].accuracy == pytest.approx(ours["pace.mlp"].accuracy, abs=0.02)

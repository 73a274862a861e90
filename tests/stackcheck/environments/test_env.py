from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv

import pytest

CPU = ("pytorch+cpu==2.13.0", "--no-gpu", "--installer", "uv", "--offline", "--no-verify")


@pytest.fixture
def made(home):
    prefix = home.path / "env"
    answer = home.run("create-env", *CPU, "-p", prefix)
    assert answer.status == 0, answer.err
    return prefix


def row_of(home, prefix):
    answer = home.run("env", "list", "--json")
    assert answer.status == 0, answer.err
    return next(row for row in answer.document["environments"] if row["prefix"] == str(prefix))


def test_lists_an_environment_with_its_framework_size_and_verdict(home, made):
    row = row_of(home, made)

    assert row["made_by_stackcheck"] is True
    assert row["kind"] == "uv"
    assert row["frameworks"][0]["framework"] == "pytorch"
    assert row["verdict"] in ("works", "unknown", "fails")
    assert row["bytes"] > 1_000_000


def test_lists_a_virtual_environment_of_somebody_else_by_its_variable(home):
    venv.create(home.path / "theirs", with_pip=False)
    home.variables["VIRTUAL_ENV"] = str(home.path / "theirs")
    row = row_of(home, home.path / "theirs")

    assert (row["kind"], row["made_by_stackcheck"]) == ("venv", False)
    assert row["verdict"] == "no framework"


def test_shows_plan_and_no_drift_of_a_fresh_environment(home, made):
    answer = home.run("env", "show", made, "--json")

    assert answer.status == 0, answer.err
    assert answer.document["plan"]["builds"][0]["version"] == "2.13.0"
    assert answer.document["drift"] == []


def test_shows_drift_with_the_command_that_repairs_it(home, made):
    change = [made / "bin" / "pip", "install", "--no-index", "--find-links", home.wheels]
    variables = {**home.variables, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*change, "torch==2.12.0"], check=True, capture_output=True, env=variables)
    answer = home.run("env", "show", made, "--json")

    assert answer.status == 1
    [drift] = answer.document["drift"]
    assert (drift["what"], drift["found"]) == ("torch", "2.12.0+cpu")
    pasted = subprocess.run(
        ["sh", "-c", drift["command"]], check=False, env=home.variables, capture_output=True
    )
    assert pasted.returncode == 0, pasted.stderr
    assert home.run("env", "show", made).status == 0


def test_a_damaged_memory_is_one_clear_line(home, made):
    (made / ".stackcheck" / "plan.json").write_text('{"plan": {')
    answer = home.run("env", "show", made)

    assert answer.status == 2
    assert "plan.json" in answer.err
    assert "Traceback" not in answer.err


def test_removes_what_it_made_and_forgets_it(home, made):
    answer = home.run("env", "remove", made, "--yes", "--json")

    assert answer.status == 0, answer.err
    assert not made.exists()
    listed = home.run("env", "list", "--json").document["environments"]
    assert str(made) not in {row["prefix"] for row in listed}


def test_asks_before_it_removes_and_takes_silence_for_no(home, made):
    answer = home.run("env", "remove", made)

    assert answer.status == 2
    assert "--yes" in answer.err
    assert made.exists()


def test_removes_nothing_that_somebody_else_made(home):
    venv.create(home.path / "theirs", with_pip=False)
    answer = home.run("env", "remove", home.path / "theirs", "--yes")

    assert answer.status == 2
    assert "did not make it" in answer.err
    assert (home.path / "theirs" / "bin" / "python").exists()


@pytest.mark.parametrize("shell", ["bash", "sh", "zsh", "fish", "csh"])
def test_the_activation_line_works_in_each_shell(home, made, shell):
    interpreter = shutil.which(shell)
    answer = home.run("env", "activate", made, "--shell", shell)
    assert answer.status == 0, answer.err
    if interpreter is None:
        pytest.skip(f"no {shell} on PATH")
    script = (
        answer.out
        + "python -c 'import torch, os; print(torch.__version__, os.environ[\"UV_CONSTRAINT\"])'\n"
    )
    done = subprocess.run([interpreter], input=script, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["2.13.0+cpu", str(made / ".stackcheck" / "constraints.txt")]


def test_uv_is_held_to_the_plan_in_an_activated_environment(home, made):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on PATH")
    from stackcheck.environments.installers.uv import find_uv

    lines = home.run("env", "activate", made, "--shell", "bash").out
    script = f"{lines}\n{find_uv()} pip install --offline torch==2.12.0\n"
    done = subprocess.run(
        [bash], input=script, check=False, capture_output=True, text=True, env=home.variables
    )

    assert done.returncode != 0
    assert "torch==2.13.0" in done.stderr


def test_uv_is_held_to_the_plan_in_a_prefix_with_a_space_as_well(home):
    from stackcheck.environments.installers.uv import find_uv

    prefix = home.path / "an env"
    assert home.run("create-env", *CPU, "-p", prefix).status == 0
    lines = home.run("env", "activate", prefix, "--shell", "sh").out
    script = f"{lines}\n{find_uv()} pip install --offline torch==2.12.0\n"
    done = subprocess.run(
        ["sh"], input=script, check=False, capture_output=True, text=True, env=home.variables
    )

    assert done.returncode != 0
    assert "torch==2.13.0" in done.stderr


def test_a_conda_environment_is_activated_without_conda(home, tmp_path):
    prefix = tmp_path / "conda env"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "bin").mkdir()
    hooks = prefix / "etc" / "conda" / "activate.d"
    hooks.mkdir(parents=True)
    (hooks / "own.sh").write_text("export FROM_HOOK=yes\n")
    lines = home.run("env", "activate", prefix, "--shell", "sh").out
    script = f'{lines}\necho "$CONDA_PREFIX|$FROM_HOOK|$PATH"\n'
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)

    conda_prefix, hook, path = done.stdout.strip().split("|")
    assert (conda_prefix, hook) == (str(prefix), "yes")
    assert path.startswith(str(prefix / "bin"))


def test_a_name_that_is_not_there_is_said_with_where_to_look(home):
    answer = home.run("env", "show", "nothing-of-that-name")

    assert answer.status == 2
    assert "stackcheck env list" in answer.err


def test_a_name_means_an_environment_in_stackchecks_own_folder(home):
    answer = home.run("create-env", *CPU, "-n", "mine", "--json")

    assert answer.status == 0, answer.err
    assert answer.document["prefix"] == str(home.path / "data" / "envs" / "mine")
    shown = home.run("env", "activate", "mine", "--json").document
    assert json.loads(json.dumps(shown))["prefix"] == answer.document["prefix"]

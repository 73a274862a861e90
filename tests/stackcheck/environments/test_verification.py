from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcheck.environments import verification
from stackcheck.environments.tools import Tools
from stackcheck.environments.verification import Proof, _describe_end, _judge, observe, verify
from tests.stackcheck.environments import plans

HERE = Path("/envs/here")


def facts(**changes):
    return {
        "imported": True,
        "errors": {},
        "python": "3.12.1",
        "version": "2.9.0+cu128",
        "cuda": "12.8",
        "architectures": ["sm_75", "sm_80", "sm_90", "compute_90"],
        "gpus": [{"name": "H100", "capability": "9.0"}],
        "training": {"device": "cuda", "first": 3.0, "last": 0.4},
        "libraries": [f"{HERE}/lib/libcudart.so.12", "/usr/lib/libcuda.so.1"],
        **changes,
    }


def judge(built=plans.TORCH_CU128, *, has_gpu=True, capabilities=("9.0",), **changes):
    plan = plans.plan(built, capabilities=capabilities)
    proofs = _judge(plan, built, facts(**changes), HERE, has_gpu)
    return {proof.what.removeprefix(f"{built.framework} "): proof for proof in proofs}


def test_an_environment_as_planned_holds_in_every_respect():
    assert {proof.status for proof in judge().values()} == {"ok"}


def test_another_release_than_planned_is_an_error_that_names_both():
    proof = judge(version="2.8.0+cu128")["version"]

    assert proof == Proof(
        "pytorch version", "error", "2.8.0+cu128 is installed, the plan has 2.9.0"
    )


def test_a_cpu_build_in_place_of_a_gpu_build_is_an_error():
    assert judge(cuda=None)["CUDA"].status == "error"
    assert judge(plans.TORCH_CPU, version="2.13.0", cuda="13.0")["CUDA"].status == "error"


def test_another_minor_release_of_cuda_is_a_warning_and_another_major_an_error():
    assert judge(cuda="12.9")["CUDA"].status == "warning"
    assert judge(cuda="13.0")["CUDA"].status == "error"


def test_a_gpu_without_code_is_an_error():
    proof = judge(capabilities=("6.1", "9.0"))["GPU code"]

    assert proof.status == "error"
    assert "6.1" in proof.message


def test_ptx_serves_a_newer_gpu():
    assert judge(capabilities=("12.0",))["GPU code"].status == "ok"


def test_without_gpu_what_could_not_be_seen_is_said_and_is_no_failure():
    proof = judge(gpus=[], has_gpu=False)["on the GPU"]

    assert proof.status == "unknown"
    assert "not verified" in proof.message


def test_a_framework_that_does_not_see_the_gpu_is_an_error():
    assert judge(gpus=[], has_gpu=True)["on the GPU"].status == "error"


def test_a_framework_that_does_not_tell_its_gpus_is_not_said_to_see_none():
    proof = judge(gpus=None, has_gpu=True)["on the GPU"]

    assert proof.status == "unknown"


def test_training_on_the_cpu_beside_a_gpu_is_an_error():
    trained = {"device": "cpu:0", "first": 3.0, "last": 0.4}

    assert judge(training=trained)["training"].status == "error"
    assert judge(training=trained, gpus=[], has_gpu=False)["training"].status == "ok"


def test_what_a_framework_has_no_way_to_tell_is_not_asked():
    built = plans.build("mxnet", "1.9.1", "cu112", distribution="mxnet-cu112", cuda="11.2")

    assert "CUDA" not in judge(built, version="1.9.1", cuda=None)


def test_keras_leaves_the_gpu_to_its_backend():
    built = plans.build("keras", "3.15.1", "any")
    told = {"version": "3.15.1", "cuda": None, "architectures": None, "gpus": None}
    seen = judge(built, **told, training={"device": "jax backend", "first": 5.0, "last": 0.9})

    assert set(seen) == {"import keras", "version", "training"}
    assert {proof.status for proof in seen.values()} == {"ok"}


def test_a_library_from_outside_is_a_warning_unless_the_build_takes_the_systems():
    foreign = ["/usr/local/cuda/lib64/libcudart.so.12"]

    assert judge(libraries=foreign)["libraries"].status == "warning"
    built = plans.TENSORFLOW_OLD
    seen = judge(built, version="2.4.1", cuda="11.0", libraries=foreign, capabilities=())
    assert seen["libraries"].status == "ok"


def test_a_loss_that_does_not_fall_is_an_error():
    proof = judge(training={"device": "cuda", "first": 3.0, "last": 2.9})["training"]

    assert proof.status == "error"


def test_a_loss_that_is_not_a_number_is_an_error():
    proof = judge(training={"device": "cuda", "first": 3.0, "last": float("nan")})["training"]

    assert proof.status == "error"


def test_a_failed_import_says_what_python_said():
    wrong = {"import": "ImportError: libcudnn.so.9: cannot open shared object file"}
    plan = plans.plan(plans.TORCH_CU128)
    [proof] = _judge(plan, plans.TORCH_CU128, facts(imported=False, errors=wrong), HERE, None)

    assert proof == Proof("import pytorch", "error", wrong["import"])


def environment_of_this_interpreter(tmp_path):
    """Return a prefix with an interpreter of its own and nothing installed."""
    import venv

    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    return tmp_path / "env"


def write_module(prefix, name, text):
    [site] = prefix.glob("lib/python*/site-packages")
    (site / f"{name}.py").write_text(text)


def test_what_a_framework_prints_does_not_disturb_the_answer(tmp_path):
    prefix = environment_of_this_interpreter(tmp_path)
    write_module(prefix, "chatty", "print('{\"imported\": false}')\n__version__ = '1.0'\n")
    seen = observe(prefix, "chatty", Tools())

    assert seen["imported"] is True
    assert seen["version"] == "1.0"
    assert seen["prefix"] == str(prefix)


def test_a_crash_during_the_import_is_told_by_its_signal(tmp_path):
    prefix = environment_of_this_interpreter(tmp_path)
    write_module(prefix, "crashing", "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")

    assert "SIGILL" in observe(prefix, "crashing", Tools())["crashed"]


def test_an_exit_during_the_import_is_an_error_of_the_import(tmp_path):
    prefix = environment_of_this_interpreter(tmp_path)
    write_module(prefix, "leaving", "raise SystemExit(3)\n")

    assert observe(prefix, "leaving", Tools())["errors"]["import"] == "SystemExit: 3"


def test_a_hanging_import_is_given_up(tmp_path):
    prefix = environment_of_this_interpreter(tmp_path)
    write_module(prefix, "hanging", "import time\ntime.sleep(60)\n")

    assert "did not answer" in observe(prefix, "hanging", Tools(), seconds=1)["crashed"]


def test_an_interpreter_that_is_not_there_is_an_error_in_words(tmp_path):
    (tmp_path / "env").mkdir()

    assert "cannot be run" in observe(tmp_path / "env", "pytorch", Tools())["crashed"]


def test_another_python_than_planned_is_an_error(tmp_path):
    prefix = environment_of_this_interpreter(tmp_path)
    other = f"3.{sys.version_info[1] + 1}"
    seen = verify(plans.plan(plans.TORCH_CPU, python=other), prefix, Tools(), has_gpu=None)

    assert not seen.holds
    assert [proof.what for proof in seen.proofs][:2] == ["Python", "import pytorch"]


def test_the_users_own_path_does_not_reach_the_new_environment(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "stray.py").write_text("__version__ = '1.0'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    prefix = environment_of_this_interpreter(tmp_path)

    assert "ModuleNotFoundError" in observe(prefix, "stray", Tools())["errors"]["import"]


def test_an_unknown_signal_number_is_told_too():
    import subprocess

    done = subprocess.CompletedProcess([], 7, "", "first\nlast words\n")
    assert _describe_end(done) == "ended with exit status 7: last words"


@pytest.mark.parametrize("name", sorted(verification._PROGRAMS | {"other"}))
def test_every_program_is_python_36(name):
    import ast

    text = verification._program(name)
    ast.parse(text, feature_version=(3, 6))
    assert "from __future__ import annotations" not in text

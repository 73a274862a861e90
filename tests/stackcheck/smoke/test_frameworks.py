from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from tests.stackcheck.smoke import plants

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

FLIPPED_WEIGHT = """
    import importlib.util
    if importlib.util.find_spec("torch"):
        import torch
        right, steps = torch.optim.SGD.step, []
        def step(self, *rest, **settings):
            done = right(self, *rest, **settings)
            steps.append(1)
            if len(steps) == 3:
                with torch.no_grad():
                    self.param_groups[0]["params"][1].view(-1)[4] *= -1
            return done
        torch.optim.SGD.step = step
"""

FASTER_LEARNING = """
    import importlib.util
    if importlib.util.find_spec("torch"):
        import torch
        right = torch.optim.SGD.__init__
        def init(self, parameters, lr, *rest, **settings):
            right(self, parameters, lr * 1.01, *rest, **settings)
        torch.optim.SGD.__init__ = init
"""

WRONG_GELU = """
    import importlib.util
    if importlib.util.find_spec("torch"):
        import torch
        right = torch.nn.functional.gelu
        def gelu(given, *rest, **settings):
            if given.requires_grad:
                given = given * 1.0
                given.register_hook(lambda gradient: gradient * 1.02)
            return right(given, *rest, **settings)
        torch.nn.functional.gelu = gelu
"""

WRONG_CONVOLUTION = """
    import importlib.util
    if importlib.util.find_spec("torch"):
        import torch
        right = torch.nn.functional.conv2d
        def conv2d(images, weight, *rest, **settings):
            found = right(images, weight, *rest, **settings)
            return found * 1.001 if weight.shape[1] > 1 else found
        torch.nn.functional.conv2d = conv2d
"""

WRONG_COMPILED = """
    import importlib.util
    if importlib.util.find_spec("torch"):
        import torch
        def compiled(function, *rest, **settings):
            return lambda *given: function(*given) * 1.01
        torch.compile = compiled
"""


@pytest.fixture(scope="module")
def torch_environment():
    """An interpreter with PyTorch: the one that `STACKCHECK_ORACLE_ENV` names, else this one."""
    if named := os.environ.get("STACKCHECK_ORACLE_ENV"):
        return named
    if importlib.util.find_spec("torch") is None:
        pytest.skip(
            "PyTorch is not installed here, and STACKCHECK_ORACLE_ENV names no environment that has it"
        )
    return sys.executable


def compare(tmp_path, torch_environment, fault, *arguments):
    environment = plants.plant(tmp_path, fault)
    command = (sys.executable, "-m", "stackcheck", "train-smoke", "--device", "cpu", "--json")
    against = ("--env", torch_environment, "--against", "pytorch")
    done = subprocess.run(
        [*command, *against, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_torch_trains_as_the_reference_does(tmp_path, torch_environment):
    status, document = compare(tmp_path, torch_environment, "")
    assert status == 0
    assert [result["task"] for result in document["parity"]] == ["mlp", "cnn", "rnn", "transformer"]
    assert {result["status"] for result in document["parity"]} == {"ok"}
    assert max(result["largest_difference"] for result in document["parity"]) < 1e-5
    assert {result["placement"] for result in document["parity"]} == {"cpu"}


def test_a_flipped_weight_in_the_framework_is_blamed_on_it_with_step_and_place(
    tmp_path, torch_environment
):
    status, document = compare(tmp_path, torch_environment, FLIPPED_WEIGHT, "--task", "mlp")
    (result,) = document["parity"]
    assert status == 1
    assert (result["status"], result["first_difference"]) == ("error", 3)
    assert result["parameter"] in {"fc1.bias", "fc1.weight"}
    assert result["parameter"] in result["message"]
    assert result["layer"] == "update"
    assert document["failing_layer"] == "framework"


def test_one_hundredth_more_learning_rate_is_found(tmp_path, torch_environment):
    status, document = compare(tmp_path, torch_environment, FASTER_LEARNING)
    assert status == 1
    assert [result["status"] for result in document["parity"]] == ["error"] * 4
    assert all(1 <= result["first_difference"] <= 10 for result in document["parity"])
    assert {result["layer"] for result in document["parity"]} <= {"update", ""}


@pytest.mark.parametrize(
    ("fault", "task", "layer", "kind"),
    [
        (WRONG_CONVOLUTION, "cnn", "conv2", "whose activation is off by 0.001"),
        (WRONG_GELU, "transformer", "up.gelu", "the gradient of up is off by 0.02"),
    ],
    ids=["forward", "backward"],
)
def test_the_first_layer_that_differs_is_named_with_the_file_that_computed_it(
    tmp_path, torch_environment, fault, task, layer, kind
):
    _, document = compare(tmp_path, torch_environment, fault, "--task", task)
    (result,) = document["parity"]
    assert (result["status"], result["layer"]) == ("error", layer)
    assert kind in result["message"]
    assert "torch_cpu" in result["library"]


def test_a_compiled_program_that_differs_is_told_apart_from_its_layers(tmp_path, torch_environment):
    arguments = ("--task", "mlp", "--mode", "compiled")
    _, document = compare(tmp_path, torch_environment, WRONG_COMPILED, *arguments)
    (result,) = document["parity"]
    assert (result["status"], result["layer"]) == ("error", "compiler")


def test_a_compiler_that_is_missing_is_named(tmp_path, torch_environment, monkeypatch):
    for name in ("CC", "CXX"):
        monkeypatch.setenv(name, "/nowhere/c++")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    arguments = ("--task", "mlp", "--mode", "compiled")
    status, document = compare(tmp_path, torch_environment, "", *arguments)
    (result,) = document["parity"]
    assert (status, result["status"]) == (1, "error")
    assert result["explanation"].startswith("no C++ compiler was found")


def test_the_one_table_has_the_engine_and_the_framework(tmp_path, torch_environment):
    _, document = compare(tmp_path, torch_environment, "", "--task", "mlp")
    ours, captured, theirs = document["table"]
    assert (ours["subject"], theirs["subject"][:6]) == ("stackgrad", "torch ")
    assert captured["mode"] == "captured"
    assert ours["ratio_to_cpu"] == 1.0
    assert all(
        row[what] > 0
        for row in (ours, theirs)
        for what in ("step_seconds", "inference_seconds", "memory_bytes", "ratio_to_cpu")
    )
    assert theirs["accuracy"] == pytest.approx(ours["accuracy"], abs=0.01)


def test_a_framework_on_the_cpu_of_a_machine_with_a_gpu_is_an_error(
    tmp_path, torch_environment, monkeypatch
):
    device = tmp_path / "root/sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030200\n")
    monkeypatch.setenv("STACKCHECK_SYSROOT", str(tmp_path / "root"))
    environment = plants.plant(tmp_path, "")
    command = (sys.executable, "-m", "stackcheck", "train-smoke", "--json", "--task", "mlp")
    against = ("--env", torch_environment, "--against", "pytorch")
    done = subprocess.run(
        [*command, *against],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    (result,) = json.loads(done.stdout)["parity"]
    if result["placement"] != "cpu":
        pytest.skip("PyTorch computes on a GPU here")
    assert done.returncode == 1
    assert "silent fallback" in result["message"]

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from stackcheck.smoke.presence import look_for_gpu
from tests.stackcheck.smoke import plants

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not look_for_gpu().has_gpu, reason="this machine has no NVIDIA GPU"),
]


def smoke(tmp_path, *arguments):
    command = (sys.executable, "-m", "stackcheck", "train-smoke", "--json", *arguments)
    environment = plants.plant(tmp_path, "")
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    return done.returncode, json.loads(done.stdout)


def test_every_layer_holds_on_the_gpu(tmp_path):
    status, document = smoke(tmp_path, "--level", "short", "--device", "cuda")
    failed = {
        stage["name"]: stage["message"] for stage in document["stages"] if stage["status"] != "ok"
    }
    assert (status, failed) == (0, {})
    assert document["device"] == "cuda:0"
    names = {stage["name"] for stage in document["stages"]}
    assert {"compiled kernel", "copy rate", "product rate", "GPU health"} <= names
    rows = {(row["device"], row["subject"], row["mode"]) for row in document["table"]}
    assert {("cpu", "stackgrad", "eager"), ("cuda:0", "stackgrad", "captured")} <= rows
    rates = next(stage["rates"] for stage in document["stages"] if stage["name"] == "product rate")
    assert "float32 TFLOP/s" in rates


def test_all_gpus_are_tested_each_and_together(tmp_path):
    status, document = smoke(tmp_path, "--device", "all", "--task", "cnn")
    failed = {
        stage["name"]: stage["message"]
        for stage in document["stages"]
        if stage["status"] == "error"
    }
    assert (status, failed) == (0, {})
    assert {"all-reduce", "data parallel"} <= {stage["name"] for stage in document["stages"]}


def test_nothing_is_made_by_bootstrap_where_the_gpu_can_be_used(tmp_path):
    status, document = smoke(tmp_path, "--bootstrap", "--task", "mlp")
    assert status == 0
    assert any("nothing to make" in note for note in document["notes"])


def test_auto_takes_the_gpu(tmp_path):
    _, document = smoke(tmp_path, "--task", "mlp")
    assert document["device"] == "cuda:0"


def test_the_same_seed_starts_from_the_same_loss_on_both_devices(tmp_path):
    first = []
    for device in ("cpu", "cuda"):
        _, document = smoke(tmp_path, "--device", device, "--task", "transformer")
        first.append(document["tasks"][0]["loss_first"])
    assert first[1] == pytest.approx(first[0], rel=1e-5)

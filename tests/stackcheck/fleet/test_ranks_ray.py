"""Ranks on Ray's own cluster, with PyTorch: `STACKCHECK_TEST_RAY` names a Python that has Ray and PyTorch."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PYTHON = os.environ.get("STACKCHECK_TEST_RAY") or (
    sys.executable if importlib.util.find_spec("ray") else None
)


def _has_both() -> bool:
    if PYTHON is None:
        return False
    looked = subprocess.run([PYTHON, "-c", "import ray, torch"], capture_output=True, check=False)
    return looked.returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not _has_both(), reason="STACKCHECK_TEST_RAY names no Python with Ray and PyTorch"
    ),
]
_NODES = ("head", "one", "two")
_PLANT = """
import os
if os.environ.get("RANK") == "1":
    import torch
    tanh, calls = torch.tanh, []

    def plant(input):
        calls.append(input)
        len(calls) == 5 and os.kill(os.getpid(), 9)
        return tanh(input)

    torch.tanh = plant
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder whose `sitecustomize.py` every rank runs."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def address(tmp_path: Path, site: Path) -> Iterator[str]:
    """Start three nodes of one CPU each."""
    variables = {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    asked = {name: {"gpus": 0, "variables": variables} for name in _NODES}
    program = Path(__file__).with_name("ray_cluster_program.py")
    with (tmp_path / "cluster.log").open("wb") as log:
        cluster = subprocess.Popen(
            [str(PYTHON), str(program), json.dumps(asked)],
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert cluster.stdout is not None
    told = next(line for line in cluster.stdout if line.startswith("{"))
    yield json.loads(told)["address"]
    cluster.communicate(timeout=120)


def _train(address: str) -> tuple[int, Mapping[str, Any]]:
    asked = ["--ray", address, "--ranks", "3", "--env", str(PYTHON), "--device", "cpu", "--json"]
    command = [sys.executable, "-m", "stackcheck", "fleet", "train-smoke", *asked]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert told.stdout, told.stderr
    return told.returncode, json.loads(told.stdout)


def test_ranks_on_ray_equal_one_process_and_a_killed_one_is_named(address: str, site: Path) -> None:
    status, report = _train(address)
    assert status == 0, report
    assert [row["state"] for row in report["ranks"]] == ["ok"] * 3
    assert report["largest_difference"] < 1e-5

    (site / "sitecustomize.py").write_text(_PLANT, encoding="utf-8")
    status, report = _train(address)
    assert status == 1
    assert [row["state"] for row in report["ranks"]] == ["stopped", "dead", "stopped"]
    assert report["problems"][0].startswith("rank 1 on ")

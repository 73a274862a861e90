"""Ranks under Slurm's own daemons, one a node: with the engine over MPI, and with PyTorch where it is installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.stackcheck.fleet.slurm_cluster import SlurmCluster, missing_programs

pytest.importorskip("mpi4py", reason="mpi4py is not installed (`pip install mpi4py mpich`)")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_programs()), reason=f"no {', '.join(missing_programs())}"),
]
_NODES = ("one", "two", "three", "four")
_PLANT = """
import os, time
if os.environ.get("SLURM_PROCID") == "2":
    import {library} as library
    tanh, calls = library.tanh, []

    def plant(input):
        calls.append(input)
        {fault}
        return tanh(input)

    library.tanh = plant
"""


@pytest.fixture(params=["stackgrad", "torch"])
def library(request: pytest.FixtureRequest) -> str:
    """What trains."""
    name: str = request.param
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SlurmCluster, Path]]:
    """Four nodes, and a folder whose `sitecustomize.py` every rank runs."""
    site = tmp_path / "site"
    site.mkdir()
    variables = {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    slurm = SlurmCluster(_folder(tmp_path), dict.fromkeys(_NODES, variables), {})
    for name, value in slurm.variables.items():
        monkeypatch.setenv(name, value)
    try:
        yield slurm, site
    finally:
        slurm.stop()


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "slurm"
    folder.mkdir()
    return folder


def _train(library: str, *more: str) -> tuple[int, Mapping[str, object]]:
    arguments = ["--ranks", "4", "--nodes", "4", "--slurm", "--library", library, "--device", "cpu"]
    command = [
        sys.executable,
        "-m",
        "stackcheck",
        "fleet",
        "train-smoke",
        *arguments,
        "--json",
        *more,
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert told.stdout, told.stderr
    return told.returncode, json.loads(told.stdout)


def _states(report: Mapping[str, object]) -> list[str]:
    rows = report["ranks"]
    assert isinstance(rows, list)
    return [row["state"] for row in rows]


def test_ranks_on_four_nodes_equal_one_process(
    cluster: tuple[SlurmCluster, Path], library: str
) -> None:
    status, report = _train(library)
    assert status == 0, report
    assert [row["node"] for row in report["ranks"]] == sorted(_NODES)  # type: ignore[attr-defined]
    assert _states(report) == ["ok"] * 4
    assert report["largest_difference"] < 1e-5  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fault", "states", "seconds"),
    [
        ("len(calls) == 5 and os.kill(os.getpid(), 9)", ("dead",), 30),
        ("len(calls) == 5 and time.sleep(3600)", ("hung", "failed"), 60),
        ("return 1.01 * tanh(input)", ("wrong",), 60),
    ],
    ids=["killed", "hung", "wrong"],
)
def test_broken_rank_is_named(
    cluster: tuple[SlurmCluster, Path],
    library: str,
    fault: str,
    states: tuple[str, ...],
    seconds: int,
) -> None:
    _, site = cluster
    text = _PLANT.format(library=library, fault=fault)
    (site / "sitecustomize.py").write_text(text, encoding="utf-8")
    status, report = _train(library, "--timeout", "8")
    assert status == 1
    found = _states(report)
    assert found[2] in states, json.dumps(report, indent=1)
    assert not set(found[:2] + found[3:]) & {"dead", "hung", "failed", "wrong"}, report
    assert report["seconds"] < seconds  # type: ignore[operator]
    assert report["problems"][0].startswith("rank 2 on ")  # type: ignore[index]

"""Ranks that train together for real, under MPI with the engine: right ones pass, the broken one is named."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from stackcheck.fleet.ranks.launchers import Mpi, make_request
from stackcheck.fleet.ranks.report import RankReport
from stackcheck.fleet.ranks.session import train_ranks

pytest.importorskip("mpi4py", reason="mpi4py is not installed (`pip install mpi4py mpich`)")
pytestmark = pytest.mark.skipif(
    not (Path(sys.executable).parent / "mpiexec").is_file() and shutil.which("mpiexec") is None,
    reason="no mpiexec (`pip install mpich`)",
)

_PLANT = """
import os, time
if os.environ.get("PMI_RANK") == "{rank}":
    import stackgrad
    tanh, calls = stackgrad.tanh, []

    def plant(input):
        calls.append(input)
        {fault}
        return tanh(input)

    stackgrad.tanh = plant
"""


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a function that makes one rank misbehave in each forward pass; `calls` counts them."""

    def plant_fault(rank: int, fault: str) -> None:
        text = textwrap.dedent(_PLANT).format(rank=rank, fault=fault)
        (tmp_path / "sitecustomize.py").write_text(text, "utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return plant_fault


def _train(world: int, patience: float = 20.0, steps: int = 12) -> RankReport:
    request = make_request("stackgrad", "cpu", "mpi", steps, patience)
    return train_ranks(Mpi(), world, sys.executable, request, patience)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_that_train_together_equal_one_process_on_the_joined_batch(world: int) -> None:
    report = _train(world)
    assert report.status == "ok", report.problems
    assert [row.rank for row in report.rows] == list(range(world))
    assert report.largest_difference is not None
    assert report.largest_difference < 1e-5
    assert report.loss_first is not None
    assert report.loss_last is not None
    assert report.loss_last < 0.5 * report.loss_first


def test_many_steps_after_which_hardly_any_loss_is_left_are_no_difference() -> None:
    report = _train(2, steps=800)
    assert report.status == "ok", report.problems
    assert report.loss_last is not None
    assert report.loss_last < 1e-3


def test_rank_whose_gradient_is_one_percent_off_is_named_though_all_agree_on_the_weights(
    plant,
) -> None:
    plant(1, "return 1.01 * tanh(input)")
    report = _train(3)
    assert report.status == "error"
    assert [row.state for row in report.rows] == ["ok", "wrong", "ok"]
    assert report.problems[0].startswith("rank 1 on ")
    assert "first gradient differs" in report.problems[0]


def test_rank_that_is_right_and_slow_is_a_warning(plant) -> None:
    plant(2, "time.sleep(0.05)")
    report = _train(3)
    assert report.status == "ok"
    assert [row.state for row in report.rows] == ["ok", "ok", "slow"]
    assert report.warnings[0].startswith("rank 2 on ")


def test_killed_rank_is_named(plant) -> None:
    plant(1, "len(calls) == 5 and os.kill(os.getpid(), 9)")
    report = _train(4)
    assert report.status == "error"
    assert [row.state for row in report.rows] == ["stopped", "dead", "stopped", "stopped"]
    assert len(report.problems) == 1
    assert report.problems[0].startswith("rank 1 on ")
    assert report.rows[1].step == 4


def test_hung_rank_is_named_at_the_deadline(plant) -> None:
    plant(2, "len(calls) == 5 and time.sleep(3600)")
    report = _train(3, patience=4.0)
    assert report.status == "error"
    assert report.rows[2].state in ("hung", "failed"), report.rows
    assert [row.state for row in report.rows[:2]] == ["stopped", "stopped"]
    assert report.seconds < 60


def test_rank_that_raises_is_named_with_its_error(plant) -> None:
    plant(0, "if len(calls) == 3: raise MemoryError('out of memory on this rank')")
    report = _train(2)
    assert report.status == "error"
    assert report.rows[0].state == "failed"
    assert "out of memory on this rank" in report.problems[0]
    assert report.rows[1].state == "stopped"

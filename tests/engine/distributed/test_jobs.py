"""Jobs of several processes under mpiexec; every case is a function of `ranks.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed: `pip install mpi4py mpich`")

MPIEXEC = shutil.which(
    "mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
)
HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec: `pip install mpich`"),
]


def run_job(case: str, ranks: int, *more: str) -> subprocess.CompletedProcess[str]:
    engine = HERE.parents[2] / "engine"
    path = os.pathsep.join([str(engine), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    return subprocess.run(
        [str(MPIEXEC), "-disable-auto-cleanup", "-n", str(ranks), sys.executable, str(HERE / "ranks.py"), case, *more],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


CASES = (
    "reductions", "movements", "objects", "groups", "training", "accumulation", "branches", "sampling",
)  # fmt: skip


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_job_of_several_ranks_ends_well(ranks):
    job = run_job(",".join(CASES), ranks)
    assert job.returncode == 0, job.stderr
    for case in CASES:
        assert job.stdout.count(f"of {ranks}: {case} is done") == ranks


def test_a_killed_rank_is_named_by_those_that_wait_for_it(tmp_path):
    run_job("killed", 3, str(tmp_path))
    said = {path.stem: path.read_text() for path in tmp_path.glob("*.txt")}
    expected = "all_reduce: rank 1 is gone (its process ended) (1,)"
    assert said == {"0": expected, "2": expected}


def test_a_rank_that_does_not_come_is_named_at_the_deadline():
    job = run_job("late", 4)
    for rank in (0, 2, 3):
        assert (
            f"rank {rank}: all_reduce did not end within 2 s: rank 1 did not join (1,)"
            in job.stdout
        )

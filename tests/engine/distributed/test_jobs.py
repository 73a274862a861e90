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


def run_job(case: str, ranks: int) -> subprocess.CompletedProcess[str]:
    engine = HERE.parents[2] / "engine"
    path = os.pathsep.join([str(engine), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    return subprocess.run(
        [str(MPIEXEC), "-disable-auto-cleanup", "-n", str(ranks), sys.executable, str(HERE / "ranks.py"), case],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize(
    "case",
    [
        "reductions",
        "movements",
        "objects",
        "groups",
        "training",
        "accumulation",
        "branches",
        "sampling",
    ],
)
def test_a_job_of_several_ranks_ends_well(case, ranks):
    job = run_job(case, ranks)
    assert job.returncode == 0, job.stderr
    assert job.stdout.count(f"of {ranks} is done") == ranks


def test_a_killed_rank_is_named_by_those_that_wait_for_it():
    job = run_job("killed", 3)  # mpiexec ends the job as soon as the first has spoken
    said = [f"rank {rank}: all_reduce: rank 1 is gone (its process ended)" for rank in (0, 2)]
    assert any(line in job.stdout + job.stderr for line in said), job.stderr


def test_a_rank_that_does_not_come_is_named_at_the_deadline():
    job = run_job("late", 4)
    for rank in (0, 2, 3):
        assert (
            f"rank {rank}: all_reduce did not end within 2 s: rank 1 did not join (1,)"
            in job.stdout
        )

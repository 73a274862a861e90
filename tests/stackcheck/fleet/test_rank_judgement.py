"""Who is named, from what the ranks and their launchers said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from stackcheck.fleet.ranks.ensemble import Ensemble
from stackcheck.fleet.ranks.judgement import judge
from stackcheck.fleet.ranks.launchers import Mpi, Slurm, expand
from stackcheck.fleet.ranks.report import RankReport
from stackcheck.fleet.ranks.streams import Line
from stackcheck.smoke.joint import Joint, train_jointly


def _hear(ensemble: Ensemble, rank: int, event: str, **facts: Any) -> None:
    ensemble.hear(json.dumps({"event": event, "rank": rank, "node": f"node{rank}", **facts}))


def _reach(
    ensemble: Ensemble, rank: int, *, computed: int, reduced: int, losses: Sequence[float] = ()
) -> None:
    _hear(ensemble, rank, "started", pid=100 + rank)
    _hear(ensemble, rank, "joined", backend="gloo", device="cpu")
    for step in range(1, max(computed, reduced) + 1):
        if step <= computed:
            _hear(ensemble, rank, "computed", step=step)
        if step <= reduced:
            _hear(ensemble, rank, "reduced", step=step, loss=losses[step - 1] if losses else 0.5)


def _judge(ensemble: Ensemble, joint: Joint | None = None) -> RankReport:
    return judge(ensemble, joint or train_jointly(len(ensemble.ranks), 2), 30.0, 31.0)


def _states(ensemble: Ensemble) -> list[str]:
    return [row.state for row in _judge(ensemble).rows]


def test_silent_rank_that_is_behind_is_hung_and_the_waiting_ones_are_not_blamed() -> None:
    ensemble = Ensemble(3)
    for rank, computed in enumerate((5, 4, 5)):
        _reach(ensemble, rank, computed=computed, reduced=4)
    report = _judge(ensemble)
    assert [row.state for row in report.rows] == ["stopped", "hung", "stopped"]
    assert report.rows[1].message == "said nothing for 30 s after step 4 was reduced"
    assert report.problems == (_name(report, 1),)


def _name(report: RankReport, rank: int) -> str:
    return f"rank {rank} on node{rank}: {report.rows[rank].message}"


def test_silent_rank_among_equals_is_the_one_that_the_others_complain_of() -> None:
    ensemble = Ensemble(3)
    for rank in range(3):
        _reach(ensemble, rank, computed=5, reduced=4)
    for rank in (0, 2):
        _hear(ensemble, rank, "failed", message="Connection reset by peer")
    assert _states(ensemble) == ["stopped", "hung", "stopped"]


def test_rank_that_could_not_import_is_named_not_those_that_waited_for_it() -> None:
    ensemble = Ensemble(2)
    _hear(ensemble, 0, "started", pid=1)
    _hear(ensemble, 1, "failed", message="ImportError: libcudart.so.13")
    report = _judge(ensemble)
    assert [row.state for row in report.rows] == ["stopped", "failed"]
    assert report.problems == ("rank 1 on node1: ImportError: libcudart.so.13",)


def test_all_at_the_same_place_is_the_network_not_a_rank() -> None:
    ensemble = Ensemble(4)
    for rank in range(4):
        _reach(ensemble, rank, computed=1, reduced=0)
    report = _judge(ensemble)
    assert {row.state for row in report.rows} == {"stopped"}
    assert "all-reduce of step 1" in report.problems[0]


def test_nothing_that_ran_repeats_what_the_launcher_said() -> None:
    ensemble = Ensemble(2)
    ensemble.strays.append("srun: error: Unable to allocate resources: Invalid partition name")
    report = _judge(ensemble)
    assert report.status == "error"
    assert "Invalid partition name" in report.problems[0]


def test_srun_names_the_tasks_that_ended() -> None:
    ensemble = Ensemble(4)
    for rank in range(4):
        _reach(ensemble, rank, computed=3, reduced=2)
    Slurm().notice(Line(0, "errors", "srun: error: sc1: tasks 1,3: Killed"), ensemble)
    assert _states(ensemble) == ["stopped", "dead", "stopped", "dead"]
    assert list(expand("[0,2-4]")) == [0, 2, 3, 4]


def test_error_that_a_rank_tells_counts_more_than_the_exit_status_that_came_first() -> None:
    ensemble = Ensemble(3)
    for rank, computed in enumerate((5, 5, 4)):
        _reach(ensemble, rank, computed=computed, reduced=4)
    for rank in (0, 1):
        text = f"srun: error: sc{rank}: task {rank}: Exited with exit code 1"
        Slurm().notice(Line(0, "errors", text), ensemble)
        _hear(ensemble, rank, "failed", message="rank 2 did not come")
    assert _states(ensemble) == ["stopped", "stopped", "hung"]


_ABORT = (
    "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES",
    "=   PID 101 RUNNING AT node1.cluster",
    "=   EXIT CODE: 9",
    "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)",
)


@pytest.mark.parametrize(("computed", "dead"), [((5, 5, 5), 1), ((5, 5, 4), 2)])
def test_mpiexec_is_believed_unless_the_ranks_tell_better(
    computed: tuple[int, ...], dead: int
) -> None:
    ensemble = Ensemble(3)
    for rank, step in enumerate(computed):
        _reach(ensemble, rank, computed=step, reduced=4)
    for text in _ABORT:
        Mpi().notice(Line(0, "output", text), ensemble)
    report = _judge(ensemble)
    assert [row.rank for row in report.rows if row.state == "dead"] == [dead]
    assert "Killed, says mpiexec" in report.rows[dead].message


def test_lines_of_no_rank_are_kept_and_change_nothing() -> None:
    ensemble = Ensemble(1)
    for line in (
        "",
        "[]",
        "{}",
        '{"event":"result"}',
        '{"event":"x","rank":0}',
        '{"rank":7,"event":"joined"}',
    ):
        ensemble.hear(line)
    assert len(ensemble.strays) == 6
    assert not ensemble.finished


def _finish(world: int, **changes: dict[int, Any]) -> RankReport:
    joint = train_jointly(world, 2)
    table = [
        {
            "print_norm": norm,
            "print_sum": total,
            "digest": 1.0,
            "step_seconds": 0.01,
            "wrong_element": -1.0,
            "bytes_per_second": 1e9,
        }
        for norm, total in joint.fingerprints
    ]
    for name, of_ranks in changes.items():
        for rank, value in of_ranks.items():
            table[rank][name] = value
    ensemble = Ensemble(world)
    for rank in range(world):
        _reach(ensemble, rank, computed=2, reduced=2, losses=joint.losses)
    _hear(ensemble, 0, "weights", values=list(joint.weights))
    for rank, row in enumerate(table):
        _hear(ensemble, rank, "result", **row)
    return _judge(ensemble, joint)


def test_rank_with_other_weights_than_the_majority_is_wrong() -> None:
    report = _finish(3, digest={2: 2.0})
    assert [row.state for row in report.rows] == ["ok", "ok", "wrong"]


def test_weights_without_a_majority_are_nobodys_fault_and_an_error() -> None:
    report = _finish(2, digest={1: 2.0})
    assert report.status == "error"
    assert "2 different weights" in report.problems[0]


def test_wrong_sums_blame_the_collectives() -> None:
    report = _finish(2, wrong_element={0: 17.0, 1: 17.0})
    assert report.status == "error"
    assert "wrong sums on every rank (first at element 17)" in report.problems[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_gradient_that_is_no_number_is_wrong(value: float) -> None:
    report = _finish(2, print_norm={1: value})
    assert report.rows[1].state == "wrong"


def test_clean_table_is_ok() -> None:
    report = _finish(3)
    assert report.status == "ok"
    assert report.bus_bytes_per_second == 1e9

from __future__ import annotations

import pytest

from stackcheck.smoke.jobs import write_job
from stackcheck.smoke.programs import train_in_engine
from stackcheck.smoke.table import make_rows
from stackcheck.smoke.told import Told
from tests.stackcheck.smoke import plants


@pytest.fixture
def job(tmp_path):
    return write_job(tmp_path, "mlp", "pace", 3, seed=0)


def told(job, **settings):
    usual = {"losses": (2.0, 1.0), "step_seconds": 0.01, "accuracy": 0.8, "placement": "cpu"}
    return {job.name: Told(job.name, **{**usual, **settings})}


def test_a_program_that_trains_alike_is_well_and_has_its_ratio(job):
    (row,) = make_rows(
        "torch",
        "eager",
        "auto",
        [job],
        told(job, step_seconds=0.005, placement="CUDA:0"),
        told(job),
    )
    assert (row.status, row.ratio_to_cpu, row.device) == ("ok", 2.0, "cuda:0")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"losses": (2.0, 1.2)}, "the last loss is 1.2, stackgrad on the CPU ends at 1"),
        ({"accuracy": 0.1}, "the accuracy is 0.100, stackgrad on the CPU has 0.800"),
        ({"losses": (2.0, float("nan"))}, "the last loss is nan"),
    ],
)
def test_a_program_that_ends_elsewhere_is_an_error(job, found, message):
    (row,) = make_rows("torch", "eager", "cpu", [job], told(job, **found), told(job))
    assert row.status == "error"
    assert row.message.startswith(message)


def test_a_training_cut_short_is_not_held_against_the_whole_one(job):
    (row,) = make_rows("torch", "eager", "cpu", [job], told(job, losses=(2.0,)), told(job))
    assert (row.status, row.steps) == ("ok", 1)


def test_a_program_that_fails_keeps_its_line_with_the_first_line_of_why(job):
    failed = {job.name: Told(job.name, failed="no GPU\nand a trace")}
    (row,) = make_rows("torch", "eager", "cpu", [job], failed, told(job))
    assert (row.status, row.message, row.step_seconds) == ("error", "no GPU", None)


def test_the_same_seed_makes_the_same_job_and_another_seed_another(tmp_path):
    texts = []
    for seed in (0, 0, 1):
        write_job(tmp_path, "transformer", "record", 2, seed)
        texts.append((tmp_path / "record.transformer.npz").read_bytes())
    assert texts[0] == texts[1] != texts[2]


def test_the_engine_learns_what_is_timed(tmp_path):
    jobs = [
        write_job(tmp_path, task, "pace", 12, 0) for task in ("mlp", "cnn", "rnn", "transformer")
    ]
    found, run = train_in_engine(tmp_path, "engine", jobs, plants.Seen())
    assert (run.device, run.has_cudnn) == ("cpu", False)
    assert {told.failed for told in found.values()} == {""}
    for told_one in found.values():
        assert told_one.losses[-1] <= told_one.losses[0] + 0.01
        assert told_one.inference_seconds > 0
    assert found["pace.mlp"].accuracy > 0.5
    assert found["pace.mlp"].memory_bytes > 10 << 20


def test_a_captured_training_arrives_where_the_eager_one_does(tmp_path):
    jobs = [write_job(tmp_path, task, "pace", 8, 0) for task in ("mlp", "transformer")]
    told = [
        train_in_engine(tmp_path, mode, jobs, plants.Seen(), mode=mode)[0]
        for mode in ("eager", "captured")
    ]
    for job in jobs:
        assert told[0][job.name].losses == told[1][job.name].losses
        assert told[0][job.name].accuracy == told[1][job.name].accuracy


def test_a_framework_sees_the_one_gpu_that_is_meant(monkeypatch):
    from stackcheck.smoke.programs import _variables

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "CUDA_VISIBLE_DEVICES" not in _variables("cuda:0")
    assert _variables("cuda:2")["CUDA_VISIBLE_DEVICES"] == "2"
    assert _variables("cpu")["CUDA_VISIBLE_DEVICES"] == "-1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6,7")
    assert _variables("cuda:2")["CUDA_VISIBLE_DEVICES"] == "7"
    assert _variables("auto")["CUDA_VISIBLE_DEVICES"] == "4,6,7"

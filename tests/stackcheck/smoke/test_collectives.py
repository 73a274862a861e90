from __future__ import annotations

import numpy as np
import pytest
import stackgrad

from stackcheck.smoke.bench import Bench
from stackcheck.smoke.stages import collectives, stages_of, stages_of_several
from stackcheck.smoke.stages.collectives import HostGroup, check_all_reduce, check_data_parallel


@pytest.fixture
def bench():
    return Bench(stackgrad, "cpu", "quick", 0, ("cnn",), 0.0, lambda _: None)


class Forgetful(HostGroup):
    """Loses what the second member gives."""

    def all_reduce(self, arrays):
        return super().all_reduce([arrays[0], np.zeros_like(arrays[1])])


class Torn(HostGroup):
    """Gives the second member one wrong element."""

    def all_reduce(self, arrays):
        first, second = super().all_reduce(arrays)
        second[len(second) // 2] += 1.0
        return [first, second]


def test_members_that_share_a_batch_train_as_one_does_on_all_of_it(bench):
    outcome = check_data_parallel(bench)
    assert outcome.status == "ok"
    assert 0 <= outcome.value < 1e-5
    assert "2 members" in outcome.compared_with


def test_sums_over_members_are_those_of_the_host(bench):
    outcome = check_all_reduce(bench)
    assert (outcome.status, outcome.value) == ("ok", 0.0)


@pytest.mark.parametrize("group", [Forgetful, Torn])
def test_a_collective_that_adds_wrongly_is_found_by_both_stages(bench, monkeypatch, group):
    monkeypatch.setattr(collectives, "HostGroup", group)
    summed, trained = check_all_reduce(bench), check_data_parallel(bench)
    assert summed.status == trained.status == "error"
    assert "sums differ from the host's" in summed.message
    assert "after step 1" in trained.message


def test_one_wrong_sum_is_counted_as_one(bench, monkeypatch):
    monkeypatch.setattr(collectives, "HostGroup", Torn)
    assert check_all_reduce(bench).value == 1.0


def test_stages_of_several_gpus_run_with_device_all_alone():
    assert stages_of_several() == ("peer access", "all-reduce", "data parallel")
    assert not set(stages_of_several()) & set(stages_of("long", ("cnn",), gpu=True))

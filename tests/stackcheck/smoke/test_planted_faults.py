from __future__ import annotations

import re
import sys

import pytest

from stackcheck.smoke.verdict import find_failing_layer
from tests.stackcheck.smoke import plants

LOW = ("device", "memory pattern", "matrix product", "convolution", "random numbers", "gradients")


@pytest.fixture
def run(monkeypatch, tmp_path):
    def run(fault, *stages, **settings):
        return plants.run_planted(monkeypatch, tmp_path, fault, *stages, **settings)

    return run


def test_nothing_fails_where_nothing_is_planted(run):
    results, told = run("", *LOW, "train mlp", "same bits twice", "memory returns")
    assert {name: result.message for name, result in results.items() if result.status != "ok"} == {}
    assert told.device == "cpu"


def test_a_blas_that_returns_one_wrong_element_is_blamed_on_the_matrix_product(run):
    results, told = run(plants.WRONG_PRODUCT, *LOW)
    assert results["matrix product"].status == "error"
    assert "(29, 17)" in results["matrix product"].message
    assert find_failing_layer(told.stages, ()) == "blas"


def test_a_wrong_gradient_of_one_operation_is_blamed_on_the_gradients_and_named(run):
    results, told = run(plants.WRONG_GRADIENT, *LOW, "train mlp")
    assert results["gradients"].message.startswith("gelu: ")
    assert ";" not in results["gradients"].message
    assert find_failing_layer(told.stages, ()) == "autograd"
    assert results["train mlp"].status == "ok"


def test_a_wrong_gradient_shows_in_the_model_that_uses_it(run):
    results, told = run(plants.WRONG_GRADIENT, "train transformer", "train mlp")
    assert results["train transformer"].status == "error"
    assert [task.gradient_check for task in told.tasks] == ["error", "ok"]


def test_other_bits_in_each_run_are_blamed_on_determinism(run):
    results, told = run(plants.OTHER_BITS_EACH_TIME, *LOW, "train mlp", "same bits twice")
    assert re.match(r"mlp: the loss of step \d has other bits", results["same bits twice"].message)
    assert find_failing_layer(told.stages, ()) == "determinism"


def test_a_captured_step_that_replays_an_old_batch_is_blamed_on_the_capture(run):
    results, told = run(plants.STALE_CAPTURE, "same bits twice", "eager = captured")
    assert results["same bits twice"].status == "ok"
    message = results["eager = captured"].message
    assert message == "mlp: the loss of step 3 has other bits in the captured graph"
    assert find_failing_layer(told.stages, ()) == "capture"


def test_memory_that_is_not_given_back_is_found(run):
    results, _ = run(plants.LEAK, "memory returns")
    assert results["memory returns"].status == "error"
    assert "lost in each step" in results["memory returns"].message


def test_burn_in_repeats_everything_and_finds_nothing_where_nothing_is_planted(run):
    settings = {"level": "long", "seconds": 2.0, "tasks": ("mlp",)}
    results, _ = run("", "burn-in", **settings)
    assert (results["burn-in"].status, results["burn-in"].value) == ("ok", 0.0)
    assert results["burn-in"].rates["burn-in GFLOP/s"] > 0


def test_one_element_that_is_wrong_once_in_many_products_is_found_by_burn_in(run):
    settings = {"level": "long", "seconds": 2.0, "tasks": ("mlp",)}
    results, _ = run(plants.WEAK_PRODUCT, "burn-in", **settings)
    assert results["burn-in"].status == "error"
    message = "1 repetitions differ: 1 elements of float32 products have other bits than at first"
    assert results["burn-in"].message.startswith(message)


def test_short_memory_halves_the_batch_until_it_fits_and_says_so(run):
    results, told = run(plants.SHORT_MEMORY, "train mlp", tasks=("mlp",))
    assert results["train mlp"].status == "ok"
    assert results["train mlp"].message == "memory was short: batch 16 instead of 64"
    assert told.tasks[0].batch == 16
    assert "mlp, samples of a batch: out of memory with 64, trying 32" in told.notes


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_memory_that_the_system_refuses_is_halved_until_it_is_given(run):
    results, told = run(plants.LITTLE_ADDRESS_SPACE, "memory pattern")
    assert results["memory pattern"].status == "ok"
    assert re.fullmatch(
        r"memory is short: \d+ MiB in place of 64", results["memory pattern"].message
    )
    assert told.notes[0] == "memory pattern in MiB: out of memory with 64, trying 32"


def test_a_hang_ends_at_the_deadline_with_the_name_of_the_stage_and_the_rest_runs(run):
    results, _ = run(plants.HANG, "device", "convolution", "random numbers", timeout=4.0)
    assert results["convolution"].status == "error"
    assert "gave no answer within" in results["convolution"].message
    assert results["random numbers"].status == "ok"


def test_a_crash_costs_its_stage_and_the_rest_runs(run):
    results, _ = run(plants.CRASH, "device", "convolution", "random numbers")
    assert results["convolution"].message.startswith("the process was killed by SIGSEGV")
    assert [results[name].status for name in ("device", "random numbers")] == ["ok", "ok"]

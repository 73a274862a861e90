from __future__ import annotations

from stackcheck.model.smoke import ParityResult, StageResult
from stackcheck.smoke.verdict import find_failing_layer, judge


def stage(layer, status):
    return StageResult(layer, layer, status)


def parity(status):
    return ParityResult("torch", "mlp", "eager", None, 0.0, status)


def test_a_run_is_ok_when_all_stages_are():
    assert (
        judge(
            [stage("blas", "ok"), stage("compiler", "skipped")], [parity("ok")], untested_gpu=False
        )
        == "ok"
    )


def test_an_error_wins_over_an_unknown():
    assert (
        judge([stage("blas", "error"), stage("memory", "unknown")], [], untested_gpu=False)
        == "error"
    )


def test_a_framework_that_differs_fails_the_run():
    assert judge([stage("blas", "ok")], [parity("error")], untested_gpu=False) == "error"


def test_a_gpu_left_untested_is_never_ok():
    assert judge([stage("blas", "ok")], [], untested_gpu=True) == "unknown"


def test_a_run_of_nothing_is_unknown():
    assert judge([], [], untested_gpu=False) == "unknown"
    assert judge([stage("compiler", "skipped")], [], untested_gpu=False) == "unknown"


def test_the_lowest_failing_layer_is_blamed():
    failing = [stage("training", "error"), stage("blas", "error"), stage("memory", "ok")]
    assert find_failing_layer(failing, [parity("error")]) == "blas"
    assert find_failing_layer([stage("blas", "ok")], [parity("error")]) == "framework"
    assert find_failing_layer([stage("blas", "ok")], []) == ""

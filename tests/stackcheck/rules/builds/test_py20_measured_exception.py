from __future__ import annotations

from stackcheck.rules.python.py20_measured_exception import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, with_gpu

NINE = made(build="cu90", cuda="9.0", architectures="sm_60 sm_70")


def test_cuda_9_libraries_fail_on_turing_although_volta_code_could_run():
    finding = found(RULE, situated(on("7.5")), NINE)
    assert finding.reason == "arch-not-in-build"
    assert "CUDA 9" in finding.title


def test_another_gpu_and_another_build_pass():
    assert judged(RULE, situated(on("7.0")), NINE) == "pass"
    assert judged(RULE, situated(on("7.5")), made(build="cu100", cuda="10.0")) == "pass"


def test_a_row_about_one_framework_leaves_the_others_alone():
    ten = made(build="cu101", cuda="10.1", version="2.3.1")
    tensorflow = made(
        framework="tensorflow",
        distribution="tensorflow",
        build="cu101",
        cuda="10.1",
        version="2.3.1",
    )
    assert found(RULE, situated(on("8.6")), tensorflow)
    assert judged(RULE, situated(on("8.6")), ten) == "pass"


def test_is_undecided_where_the_capability_that_decides_is_not_known():
    machine = with_gpu(on(), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine), NINE) == "unknown"

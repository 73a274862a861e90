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


def test_cuda_10_libraries_fail_on_ampere_whatever_the_framework_holds():
    for framework in ("pytorch", "tensorflow"):
        ten = made(framework=framework, distribution=framework, build="cu101", cuda="10.1")
        assert found(RULE, situated(on("8.6")), ten).reason == "arch-not-in-build"
        assert judged(RULE, situated(on("7.5")), ten) == "pass"


def test_a_row_about_one_release_of_one_framework_leaves_the_others_alone():
    def built(framework, version):
        return made(
            framework=framework,
            distribution=framework,
            build="cuda12",
            cuda="12.9",
            version=version,
        )

    assert found(RULE, situated(on("10.7")), built("jax", "0.11.1"))
    for other in (built("jax", "0.11.0"), built("pytorch", "0.11.1")):
        assert judged(RULE, situated(on("10.7")), other) == "pass"


def test_is_undecided_where_the_capability_that_decides_is_not_known():
    machine = with_gpu(on(), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine), NINE) == "unknown"

from __future__ import annotations

from stackcheck.rules.python.py02_conda_cpu import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    distribution,
    found,
    healthy,
    verdict,
    without_gpu,
)


def test_names_condas_build():
    finding = found(
        RULE,
        changed(
            healthy(),
            environment__distributions=(
                distribution("pytorch", "2.13.0", conda_build="cpu_mkl_py312_h1_100"),
            ),
        ),
    )
    assert "build cpu_mkl_py312_h1_100: a CPU build" in finding.title
    assert finding.evidence


def test_is_silent_about_a_build_for_cuda():
    assert (
        verdict(
            RULE,
            changed(
                healthy(),
                environment__distributions=(
                    distribution("pytorch", "2.13.0", conda_build="cuda129_mkl_py312_h1_302"),
                ),
            ),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"


def test_a_machine_without_gpu_wants_cpu_builds():
    assert verdict(RULE, without_gpu()) == "skipped"

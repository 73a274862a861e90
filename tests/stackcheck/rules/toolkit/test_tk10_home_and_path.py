from __future__ import annotations

from stackcheck.rules.toolkit.tk10_home_and_path import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_variables


def test_names_both_directories():
    finding = found(
        RULE, with_variables(healthy(), CUDA_HOME="/usr/local/cuda-12.8", CUDA_PATH="/opt/cuda")
    )
    assert "CUDA_HOME is /usr/local/cuda-12.8 and CUDA_PATH is /opt/cuda" in finding.title
    assert finding.evidence


def test_is_silent_where_they_are_one():
    assert (
        verdict(RULE, with_variables(healthy(), CUDA_HOME="/opt/cuda/", CUDA_PATH="/opt/cuda"))
        == "pass"
    )


def test_is_undecided_where_the_environment_is_not_known():
    assert verdict(RULE, changed(healthy(), host__variables=UNKNOWN)) == "unknown"

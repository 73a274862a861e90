from __future__ import annotations

from stackcheck.rules.python.py07_component_wheels import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    distribution,
    found,
    healthy,
    verdict,
    with_distributions,
)


def test_names_two_editions_in_one_directory():
    finding = found(
        RULE,
        with_distributions(
            healthy(), "nvidia-cudnn-cu12==9.10.2.21", "nvidia-cudnn-cu13==9.13.0.50"
        ),
    )
    assert (
        "nvidia-cudnn-cu12 9.10.2.21 and nvidia-cudnn-cu13 9.13.0.50 own the same files"
        in finding.title
    )
    assert finding.evidence


def test_is_silent_where_directories_differ():
    assert (
        verdict(
            RULE,
            with_distributions(
                healthy(), "nvidia-cublas-cu12==12.8.4.1", "nvidia-cublas==13.0.0.19"
            ),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"


def test_missing_files_are_an_error():
    broken = distribution("nvidia-nvshmem-cu12", "3.3.20", missing_files=4)
    finding = found(RULE, changed(healthy(), environment__distributions=(broken,)))
    assert "lacks 4 of its files" in finding.title
    assert finding.severity == "error"

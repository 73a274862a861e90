from __future__ import annotations

from stackcheck.rules.kernel.km14_two_installations import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, library, verdict


def test_names_both_releases_of_libcuda():
    finding = found(
        RULE,
        changed(
            healthy(),
            driver__cuda_libraries=(
                library("libcuda.so.1", "580.95.05"),
                library("libcuda.so.1", "575.57.08", "/usr/lib64"),
            ),
        ),
    )
    assert "libcuda 575.57.08 and 580.95.05" in finding.title
    assert finding.evidence


def test_is_silent_with_one_installation():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_directories_cannot_be_read():
    assert verdict(RULE, changed(healthy(), driver__cuda_libraries=UNKNOWN)) == "unknown"

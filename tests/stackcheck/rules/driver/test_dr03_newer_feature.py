from __future__ import annotations

from stackcheck.rules.driver.dr03_newer_feature import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_builds


def test_names_driver_and_build():
    finding = found(
        RULE, with_builds(changed(healthy(), driver__release="525.147.05"), "torch==2.5.1+cu124")
    )
    assert "driver 525.147.05 runs pytorch 2.5.1+cu124" in finding.title
    assert finding.evidence


def test_is_silent_under_a_newer_driver():
    assert verdict(RULE, with_builds(healthy(), "torch==2.5.1+cu124")) == "pass"


def test_is_undecided_where_the_driver_is_not_known():
    assert (
        verdict(
            RULE, with_builds(changed(healthy(), driver__release=UNKNOWN), "torch==2.5.1+cu124")
        )
        == "unknown"
    )

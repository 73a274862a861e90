from __future__ import annotations

from stackcheck.rules.jetson.jt01_desktop_wheel import RULE
from tests.stackcheck.sketch import UNKNOWN, found, jetson, verdict, with_builds


def test_names_a_build_for_servers():
    finding = found(RULE, with_builds(jetson(host__platform="jetson"), "torch==2.9.0+cu128"))
    assert "this is a Jetson" in finding.title
    assert finding.evidence


def test_is_silent_about_a_build_that_no_index_has():
    assert verdict(RULE, with_builds(jetson(), "torch==99.0+cu126")) == "pass"


def test_is_undecided_where_the_driver_is_not_known():
    assert (
        verdict(RULE, with_builds(jetson(driver__cuda=UNKNOWN), "torch==2.9.0+cu128")) == "unknown"
    )

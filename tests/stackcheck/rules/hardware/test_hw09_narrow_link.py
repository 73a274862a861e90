from __future__ import annotations

from stackcheck.rules.hardware.hw09_narrow_link import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_says_how_many_lanes_are_unused():
    finding = found(RULE, with_gpu(healthy(), link__width=4))
    assert "4 PCI Express lanes of 16" in finding.title
    assert finding.evidence


def test_is_silent_about_a_low_generation_on_an_idle_gpu():
    assert verdict(RULE, with_gpu(healthy(), link__generation=1)) == "pass"


def test_is_undecided_where_the_width_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), link__width=UNKNOWN)) == "unknown"

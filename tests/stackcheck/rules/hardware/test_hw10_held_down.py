from __future__ import annotations

from stackcheck.rules.hardware.hw10_held_down import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_names_what_holds_the_clocks_down():
    finding = found(RULE, with_gpu(healthy(), event_reasons=0x48))
    assert "hardware slowdown, hardware thermal slowdown" in finding.title
    assert finding.evidence


def test_is_silent_about_the_power_cap_of_a_busy_gpu():
    assert verdict(RULE, with_gpu(healthy(), event_reasons=0x4)) == "pass"


def test_is_undecided_where_the_reasons_are_not_known():
    assert verdict(RULE, with_gpu(healthy(), event_reasons=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.hardware.hw08_no_bar_space import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_function


def test_names_the_gpu_without_address_space():
    finding = found(RULE, with_function(healthy(2), 1, bars_assigned=False))
    assert "1 of 2 GPUs have no address space" in finding.title
    assert finding.evidence


def test_is_silent_where_bars_are_assigned():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_the_resources_cannot_be_read():
    assert verdict(RULE, with_function(healthy(), bars_assigned=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.hardware.hw14_excluded import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_function


def test_names_the_excluded_board():
    finding = found(RULE, with_function(healthy(2), 1, excluded=True))
    assert "1 of 2 GPUs are excluded" in finding.title
    assert finding.evidence


def test_is_silent_where_none_is_excluded():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_procfs_does_not_say():
    assert verdict(RULE, with_function(healthy(), excluded=UNKNOWN)) == "unknown"

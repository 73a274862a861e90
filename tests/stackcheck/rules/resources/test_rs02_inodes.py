from __future__ import annotations

from stackcheck.rules.resources.rs02_inodes import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_says_how_many_are_left():
    finding = found(RULE, with_limits(healthy(), tmp_free_inodes=12))
    assert "has 12 inodes left" in finding.title
    assert finding.evidence


def test_is_silent_where_the_file_system_counts_none():
    assert verdict(RULE, with_limits(healthy(), tmp_free_inodes=-1)) == "pass"


def test_is_undecided_where_the_disk_cannot_be_asked():
    assert verdict(RULE, with_limits(healthy(), tmp_free_inodes=UNKNOWN)) == "unknown"

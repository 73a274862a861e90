from __future__ import annotations

from stackcheck.rules.resources.rs01_disk_full import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_says_how_much_is_free():
    finding = found(RULE, with_limits(healthy(), tmp_free_bytes=2 << 30))
    assert "2.0 GiB free; installing a GPU framework takes some 10" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_room():
    assert verdict(RULE, with_limits(healthy(), tmp_free_bytes=200 << 30)) == "pass"


def test_is_undecided_where_the_disk_cannot_be_asked():
    assert verdict(RULE, with_limits(healthy(), tmp_free_bytes=UNKNOWN)) == "unknown"

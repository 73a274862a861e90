from __future__ import annotations

from stackcheck.rules.kernel.km07_proprietary_module import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_function


def test_finds_a_blackwell_board_under_the_proprietary_module():
    finding = found(
        RULE,
        with_function(changed(healthy(), driver__module__flavour="proprietary"), device="0x2b85"),
    )
    assert "proprietary kernel module cannot drive 0x2b85" in finding.title
    assert finding.evidence


def test_is_silent_about_hopper():
    assert verdict(RULE, changed(healthy(), driver__module__flavour="proprietary")) == "pass"


def test_is_undecided_where_the_flavour_is_not_known():
    assert verdict(RULE, changed(healthy(), driver__module__flavour=UNKNOWN)) == "unknown"

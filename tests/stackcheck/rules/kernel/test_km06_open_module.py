from __future__ import annotations

from stackcheck.rules.kernel.km06_open_module import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_function


def test_finds_a_pascal_board_under_the_open_module():
    finding = found(RULE, with_function(healthy(), device="0x1b06"))
    assert "open kernel module cannot drive 0x1b06" in finding.title
    assert finding.evidence


def test_is_silent_about_hopper():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_device_id_is_not_known():
    assert verdict(RULE, with_function(healthy(), device=UNKNOWN)) == "unknown"


def test_the_proprietary_module_drives_old_boards():
    machine = changed(healthy(), driver__module__flavour="proprietary")
    assert verdict(RULE, with_function(machine, device="0x1b06")) == "pass"

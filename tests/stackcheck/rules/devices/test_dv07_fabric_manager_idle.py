from __future__ import annotations

from stackcheck.rules.devices.dv07_fabric_manager_idle import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict


def test_finds_a_unit_with_nothing_to_manage():
    finding = found(RULE, changed(healthy(), driver__fabric_manager="failed"))
    assert "unit failed, and the machine has no NVSwitch" in finding.title
    assert finding.evidence


def test_is_silent_where_the_unit_runs():
    assert verdict(RULE, changed(healthy(), driver__fabric_manager="running")) == "pass"


def test_is_undecided_where_the_units_state_is_not_known():
    assert verdict(RULE, changed(healthy(), driver__fabric_manager=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.devices.dv08_fabric_degraded import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_gpu


def test_says_what_is_wrong_with_the_fabric():
    finding = found(RULE, with_gpu(healthy(), fabric_state=3, fabric_health=0x1))
    assert "bandwidth is degraded" in finding.title
    assert finding.evidence


def test_is_silent_where_every_field_says_no():
    assert verdict(RULE, with_gpu(healthy(), fabric_state=3, fabric_health=0x1AA)) == "pass"


def test_is_undecided_where_the_mask_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), fabric_state=3, fabric_health=UNKNOWN)) == "unknown"


def test_an_incorrect_configuration_is_named():
    finding = found(RULE, with_gpu(healthy(), fabric_state=3, fabric_health=0x400))
    assert "the configuration is incorrect" in finding.title


def test_a_driver_that_cannot_tell_matters_only_beside_switches():
    machine = with_gpu(healthy(), fabric_state=UNKNOWN, fabric_health=UNKNOWN)
    assert verdict(RULE, machine) == "skipped"
    assert verdict(RULE, changed(machine, driver__module__nvswitches=4)) == "unknown"


def test_the_summary_alone_tells_of_limited_capacity():
    machine = with_gpu(healthy(), fabric_state=3, fabric_health=0, fabric_summary=3)
    assert "limited capacity" in found(RULE, machine).title

from __future__ import annotations

from stackcheck.rules.devices.dv06_fabric_manager import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_gpu


def test_says_in_which_state_the_fabric_is():
    finding = found(
        RULE,
        with_gpu(
            changed(healthy(), driver__module__nvswitches=4, driver__cuinit_code=802),
            fabric_state=1,
        ),
    )
    assert "is not started, not completed" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_completed():
    assert (
        verdict(RULE, with_gpu(changed(healthy(), driver__module__nvswitches=4), fabric_state=3))
        == "pass"
    )


def test_is_undecided_where_nvml_does_not_say():
    assert (
        verdict(
            RULE, with_gpu(changed(healthy(), driver__module__nvswitches=4), fabric_state=UNKNOWN)
        )
        == "unknown"
    )


def test_a_machine_without_switches_is_skipped():
    assert verdict(RULE, with_gpu(healthy(), fabric_state=1)) == "skipped"

from __future__ import annotations

from stackcheck.rules.virtual.vm05_fabric_of_provider import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_gpu


def test_says_that_the_guest_cannot_start_it():
    finding = found(RULE, with_gpu(changed(healthy(), driver__cuinit_code=802), fabric_state=2))
    assert "is in progress, and this guest has no switch" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_completed():
    assert verdict(RULE, with_gpu(healthy(), fabric_state=3)) == "pass"


def test_is_undecided_where_nvml_does_not_say():
    assert verdict(RULE, with_gpu(healthy(), fabric_state=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.model.fact import Unknown
from stackcheck.rules.hardware.hw06_driver_hangs import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict


def test_names_the_call_that_did_not_come_back():
    finding = found(
        RULE, changed(healthy(), driver__nvml_code=Unknown("no answer within 30 s", "NVML: init"))
    )
    assert "nvmlInit" in finding.title
    assert finding.evidence


def test_is_silent_where_the_driver_answers():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_answer_is_unknown_for_another_reason():
    assert verdict(RULE, changed(healthy(), driver__nvml_code=UNKNOWN)) == "unknown"

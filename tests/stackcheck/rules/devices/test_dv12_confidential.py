from __future__ import annotations

from stackcheck.model.fact import Unknown
from stackcheck.rules.devices.dv12_confidential import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_finds_gpus_that_nobody_attested():
    finding = found(RULE, with_limits(healthy(), conf_compute_ready=0))
    assert "not set ready" in finding.title
    assert finding.evidence


def test_is_silent_where_they_are_ready():
    assert verdict(RULE, with_limits(healthy(), conf_compute_ready=1)) == "pass"


def test_is_undecided_where_nvml_does_not_say():
    assert verdict(RULE, with_limits(healthy(), conf_compute_ready=UNKNOWN)) == "unknown"


def test_a_driver_from_before_it_is_skipped():
    unasked = Unknown("this driver has no such function", "NVML: conf_compute")
    assert verdict(RULE, with_limits(healthy(), conf_compute_ready=unasked)) == "skipped"

from __future__ import annotations

from stackcheck.rules.hardware.hw11_power_cable import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_names_the_gpu_without_power():
    finding = found(RULE, with_gpu(healthy(2), handle_code=8))
    assert "not attached to 1 of 2 GPUs: GPU 0" in finding.title
    assert finding.evidence


def test_is_silent_where_every_handle_is_given():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_the_handle_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), handle_code=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.hardware.hw03_recovery_action import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_says_which_action_the_gpu_asks_for():
    finding = found(RULE, with_gpu(healthy(), recovery_action=2))
    assert "a reboot of the node" in finding.title
    assert finding.evidence


def test_is_silent_where_none_is_asked_for():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_nvml_does_not_say():
    assert verdict(RULE, with_gpu(healthy(), recovery_action=UNKNOWN)) == "unknown"

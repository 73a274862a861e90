from __future__ import annotations

from stackcheck.rules.devices.dv05_persistence_off import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_gpu


def test_says_that_nobody_keeps_the_state():
    finding = found(
        RULE, with_gpu(changed(healthy(), driver__persistence_daemon=False), persistence=False)
    )
    assert "persistence is off on 1 of 1" in finding.title
    assert finding.evidence


def test_is_silent_where_the_daemon_does():
    assert verdict(RULE, with_gpu(healthy(), persistence=False)) == "pass"


def test_is_undecided_where_nvml_does_not_say():
    assert verdict(RULE, with_gpu(healthy(), persistence=UNKNOWN)) == "unknown"


def test_nobody_minds_on_a_geforce():
    machine = with_gpu(healthy(), name="NVIDIA GeForce RTX 4090", persistence=False)
    assert verdict(RULE, machine) == "skipped"

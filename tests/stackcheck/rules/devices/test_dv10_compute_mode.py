from __future__ import annotations

from stackcheck.rules.devices.dv10_compute_mode import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_names_the_process_that_holds_the_gpu():
    finding = found(RULE, with_gpu(healthy(), compute_mode=3, processes=(4321,)))
    assert "exclusive process compute mode and process 4321 holds it" in finding.title
    assert finding.evidence


def test_is_silent_while_nobody_holds_it():
    assert verdict(RULE, with_gpu(healthy(), compute_mode=3)) == "pass"


def test_is_undecided_where_the_mode_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), compute_mode=UNKNOWN)) == "unknown"


def test_a_prohibited_gpu_lets_nobody_in():
    assert "prohibited" in found(RULE, with_gpu(healthy(), compute_mode=2)).title

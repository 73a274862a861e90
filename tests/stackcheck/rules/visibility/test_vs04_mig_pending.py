from __future__ import annotations

from stackcheck.rules.visibility.vs04_mig_pending import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_names_both_modes():
    finding = found(RULE, with_gpu(healthy(), mig_pending=True))
    assert "is off and will be on after a reset" in finding.title
    assert finding.evidence


def test_is_silent_where_nothing_is_pending():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_pending_mode_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), mig_pending=UNKNOWN)) == "unknown"

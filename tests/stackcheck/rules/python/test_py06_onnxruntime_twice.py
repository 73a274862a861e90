from __future__ import annotations

from stackcheck.rules.python.py06_onnxruntime_twice import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_distributions,
)


def test_names_both_distributions():
    finding = found(
        RULE, with_distributions(healthy(), "onnxruntime==1.20.0", "onnxruntime-gpu==1.19.0")
    )
    assert "onnxruntime 1.20.0 and onnxruntime-gpu 1.19.0" in finding.title
    assert finding.evidence


def test_is_silent_with_one():
    assert verdict(RULE, with_distributions(healthy(), "onnxruntime-gpu==1.19.0")) == "pass"


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"

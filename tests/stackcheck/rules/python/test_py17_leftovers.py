from __future__ import annotations

from stackcheck.rules.python.py17_leftovers import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    distribution,
    found,
    healthy,
    verdict,
    with_distributions,
)


def test_names_both_entries():
    finding = found(
        RULE,
        changed(
            healthy(),
            environment__distributions=(
                distribution("torch", "2.4.0"),
                distribution("torch", "2.5.1"),
            ),
        ),
    )
    assert "torch has 2 metadata entries: 2.4.0 and 2.5.1" in finding.title
    assert finding.evidence


def test_is_silent_with_one():
    assert verdict(RULE, with_distributions(healthy(), "torch==2.5.1")) == "pass"


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"


def test_files_that_the_record_names_in_vain_are_counted():
    torch = distribution("torch", "2.5.1", missing_files=31)
    finding = found(RULE, changed(healthy(), environment__distributions=(torch,)))
    assert "torch 2.5.1 lacks 31 of its files" in finding.title

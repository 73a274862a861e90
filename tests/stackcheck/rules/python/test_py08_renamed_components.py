from __future__ import annotations

from stackcheck.rules.python.py08_renamed_components import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_distributions,
)


def test_names_the_new_name():
    finding = found(RULE, with_distributions(healthy(), "nvidia-cusparse-cu13==0.0.1"))
    assert "is an empty stub; the library is called nvidia-cusparse" in finding.title
    assert finding.evidence


def test_is_silent_about_names_that_stayed():
    assert (
        verdict(
            RULE,
            with_distributions(healthy(), "nvidia-cusparse==12.6.3.3", "nvidia-nccl-cu13==2.28.3"),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"

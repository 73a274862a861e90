from __future__ import annotations

from stackcheck.rules.python.py15_pynvml import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_distributions,
)


def test_names_the_old_binding():
    finding = found(RULE, with_distributions(healthy(), "pynvml==8.0.4", "nvidia-ml-py==13.580.65"))
    assert "pynvml 8.0.4 is installed beside nvidia-ml-py 13.580.65" in finding.title
    assert finding.evidence


def test_is_silent_about_a_release_without_a_module_of_its_own():
    assert (
        verdict(RULE, with_distributions(healthy(), "pynvml==12.0.0", "nvidia-ml-py==13.580.65"))
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"

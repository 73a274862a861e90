from __future__ import annotations

from stackcheck.rules.nccl.nc08_foreign_nccl import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_distributions


def test_names_both_packages():
    finding = found(
        RULE, with_distributions(healthy(), "nvidia-nccl-cu11==2.14.3", "nvidia-nccl-cu12==2.27.5")
    )
    assert "nvidia-nccl-cu11 2.14.3 and nvidia-nccl-cu12 2.27.5" in finding.title
    assert finding.evidence


def test_is_silent_with_one():
    assert verdict(RULE, with_distributions(healthy(), "nvidia-nccl-cu12==2.27.5")) == "pass"


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"

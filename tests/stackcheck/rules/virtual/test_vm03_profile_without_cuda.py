from __future__ import annotations

from stackcheck.rules.virtual.vm03_profile_without_cuda import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_names_the_profile():
    finding = found(RULE, with_gpu(healthy(), name="GRID T4-2B"))
    assert "GRID T4-2B is a profile of the B series" in finding.title
    assert finding.evidence


def test_is_silent_about_a_q_profile():
    assert verdict(RULE, with_gpu(healthy(), name="NVIDIA L4-12Q")) == "pass"


def test_is_undecided_where_the_name_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), name=UNKNOWN)) == "unknown"


def test_whole_gpus_are_skipped():
    assert verdict(RULE, healthy()) == "skipped"

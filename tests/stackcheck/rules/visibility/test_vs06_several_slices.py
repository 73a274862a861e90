from __future__ import annotations

from stackcheck.rules.visibility.vs06_several_slices import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_variables


def test_counts_the_slices_of_a_mask():
    finding = found(RULE, with_variables(healthy(), CUDA_VISIBLE_DEVICES="MIG-aaaa,MIG-bbbb"))
    assert "lists 2 MIG instances" in finding.title
    assert finding.evidence


def test_is_silent_about_one():
    assert verdict(RULE, with_variables(healthy(), CUDA_VISIBLE_DEVICES="MIG-aaaa")) == "pass"


def test_is_undecided_where_the_environment_is_not_known():
    assert verdict(RULE, changed(healthy(), host__variables=UNKNOWN)) == "unknown"

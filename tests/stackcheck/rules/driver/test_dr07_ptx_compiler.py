from __future__ import annotations

from stackcheck.rules.driver.dr07_ptx_compiler import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_misses_the_compiler():
    finding = found(RULE, with_limits(healthy(), ptx_compiler=0))
    assert "libnvidia-ptxjitcompiler.so.1 is missing" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_found():
    assert verdict(RULE, with_limits(healthy(), ptx_compiler=1)) == "pass"


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert verdict(RULE, with_limits(healthy(), ptx_compiler=UNKNOWN)) == "unknown"

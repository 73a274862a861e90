from __future__ import annotations

from stackcheck.rules.containers.ct01_toolkit_missing import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_misses_the_toolkit_beside_an_engine():
    finding = found(RULE, with_limits(healthy(), container_engine=1, container_toolkit=0))
    assert "container toolkit is not" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_installed():
    assert verdict(RULE, with_limits(healthy(), container_engine=1, container_toolkit=1)) == "pass"


def test_is_undecided_where_path_is_not_known():
    assert (
        verdict(RULE, with_limits(healthy(), container_engine=1, container_toolkit=UNKNOWN))
        == "unknown"
    )


def test_without_an_engine_nobody_needs_it():
    assert (
        verdict(RULE, with_limits(healthy(), container_engine=0, container_toolkit=0)) == "skipped"
    )

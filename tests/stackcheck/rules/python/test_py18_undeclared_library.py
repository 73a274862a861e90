from __future__ import annotations

from stackcheck.rules.python.py18_undeclared_library import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    installed,
    verdict,
    with_libraries,
)


def test_names_the_library_that_nobody_brings():
    finding = found(
        RULE,
        changed(
            healthy(),
            environment__builds=(installed("torch", "2.9.0", "cu130", needed=("libcudss.so.0",)),),
        ),
    )
    assert "torch links libcudss.so.0, and no installed package brings it" in finding.title
    assert finding.evidence


def test_is_silent_where_the_environment_has_it():
    assert (
        verdict(
            RULE,
            changed(
                with_libraries(healthy(), "libcudss.so.0==0.7.0"),
                environment__builds=(
                    installed("torch", "2.9.0", "cu130", needed=("libcudss.so.0",)),
                ),
            ),
        )
        == "pass"
    )


def test_is_undecided_where_builds_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__builds=UNKNOWN)) == "unknown"

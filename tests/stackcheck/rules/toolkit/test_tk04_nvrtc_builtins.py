from __future__ import annotations

from stackcheck.rules.toolkit.tk04_nvrtc_builtins import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    library,
    verdict,
    with_libraries,
)


def test_names_the_minor_that_is_missing():
    finding = found(
        RULE,
        with_libraries(healthy(), "libnvrtc.so.12==12.8.93", "libnvrtc-builtins.so.12.6==12.6.77"),
    )
    assert (
        "NVRTC 12.8.93 needs libnvrtc-builtins.so.12.8; there is libnvrtc-builtins.so.12.6"
        in finding.title
    )
    assert finding.evidence


def test_is_silent_where_the_minor_is_there():
    assert (
        verdict(
            RULE,
            with_libraries(
                healthy(), "libnvrtc.so.12==12.8.93", "libnvrtc-builtins.so.12.8==12.8.93"
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_compilers_version_is_not_known():
    assert (
        verdict(
            RULE,
            changed(
                healthy(),
                environment__libraries=(
                    changed(library("libnvrtc.so.12", "1.0"), version=UNKNOWN),
                ),
            ),
        )
        == "unknown"
    )

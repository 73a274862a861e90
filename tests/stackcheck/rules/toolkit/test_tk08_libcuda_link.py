from __future__ import annotations

from stackcheck.rules.toolkit.tk08_libcuda_link import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    verdict,
    with_distributions,
    with_limits,
)


def test_finds_a_libcuda_that_cannot_be_linked():
    finding = found(
        RULE,
        with_limits(
            with_distributions(healthy(), "triton==3.5.0"), libcuda_cached=0, libcuda_link=0
        ),
    )
    assert "the linker would not find it" in finding.title
    assert finding.evidence


def test_is_silent_where_the_cache_lists_it():
    assert (
        verdict(
            RULE,
            with_limits(
                with_distributions(healthy(), "triton==3.5.0"), libcuda_cached=1, libcuda_link=0
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_cache_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_limits(
                with_distributions(healthy(), "triton==3.5.0"),
                libcuda_cached=UNKNOWN,
                libcuda_link=0,
            ),
        )
        == "unknown"
    )

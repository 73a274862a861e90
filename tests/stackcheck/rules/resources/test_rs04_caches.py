from __future__ import annotations

from stackcheck.rules.resources.rs04_caches import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    verdict,
    with_distributions,
    with_limits,
)


def test_names_the_cache():
    finding = found(
        RULE, with_limits(with_distributions(healthy(), "triton==3.5.0"), triton_cache_writable=0)
    )
    assert "Triton's cache of compiled kernels" in finding.title
    assert finding.evidence


def test_is_silent_where_it_can_be_written():
    assert (
        verdict(
            RULE,
            with_limits(with_distributions(healthy(), "triton==3.5.0"), triton_cache_writable=1),
        )
        == "pass"
    )


def test_is_undecided_where_access_is_not_known():
    assert (
        verdict(
            RULE,
            with_limits(
                with_distributions(healthy(), "triton==3.5.0"), triton_cache_writable=UNKNOWN
            ),
        )
        == "unknown"
    )

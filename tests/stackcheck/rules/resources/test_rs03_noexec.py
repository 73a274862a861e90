from __future__ import annotations

from stackcheck.rules.resources.rs03_noexec import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    verdict,
    with_distributions,
    with_limits,
)


def test_names_the_directory():
    finding = found(RULE, with_limits(with_distributions(healthy(), "torch==2.9.0"), tmp_noexec=1))
    assert "mounted noexec" in finding.title
    assert finding.evidence


def test_is_silent_where_code_may_run():
    assert (
        verdict(RULE, with_limits(with_distributions(healthy(), "torch==2.9.0"), tmp_noexec=0))
        == "pass"
    )


def test_is_undecided_where_the_mount_is_not_known():
    assert (
        verdict(
            RULE, with_limits(with_distributions(healthy(), "torch==2.9.0"), tmp_noexec=UNKNOWN)
        )
        == "unknown"
    )

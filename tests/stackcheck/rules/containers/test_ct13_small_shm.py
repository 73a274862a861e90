from __future__ import annotations

from stackcheck.rules.containers.ct13_small_shm import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    in_container,
    verdict,
    with_builds,
    with_limits,
)


def test_says_how_small_it_is():
    finding = found(
        RULE,
        with_limits(with_builds(in_container(healthy()), "torch==2.9.0+cu128"), shm_bytes=64 << 20),
    )
    assert "shared memory is 64 MiB in this container" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_more():
    assert (
        verdict(
            RULE,
            with_limits(
                with_builds(in_container(healthy()), "torch==2.9.0+cu128"), shm_bytes=8 << 30
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_size_is_not_known():
    assert (
        verdict(
            RULE,
            with_limits(
                with_builds(in_container(healthy()), "torch==2.9.0+cu128"), shm_bytes=UNKNOWN
            ),
        )
        == "unknown"
    )

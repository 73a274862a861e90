from __future__ import annotations

from stackcheck.rules.resources.rs06_cgroup_memory import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_counts_what_was_killed():
    finding = found(RULE, with_limits(healthy(), cgroup_memory_bytes=8 << 30, oom_kills=3))
    assert "3 processes were killed at the memory limit of 8.0 GiB" in finding.title
    assert finding.evidence


def test_is_silent_where_nothing_was():
    assert verdict(RULE, with_limits(healthy(), cgroup_memory_bytes=8 << 30, oom_kills=0)) == "pass"


def test_is_undecided_where_the_counter_cannot_be_read():
    assert (
        verdict(RULE, with_limits(healthy(), cgroup_memory_bytes=8 << 30, oom_kills=UNKNOWN))
        == "unknown"
    )

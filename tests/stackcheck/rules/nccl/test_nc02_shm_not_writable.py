from __future__ import annotations

from stackcheck.rules.nccl.nc02_shm_not_writable import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_says_that_this_user_may_not_write():
    finding = found(RULE, with_limits(healthy(), shm_writable=0))
    assert "may not write to shared memory" in finding.title
    assert finding.evidence


def test_is_silent_where_it_may():
    assert verdict(RULE, with_limits(healthy(), shm_writable=1)) == "pass"


def test_is_undecided_where_access_is_not_known():
    assert verdict(RULE, with_limits(healthy(), shm_writable=UNKNOWN)) == "unknown"

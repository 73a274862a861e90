from __future__ import annotations

from stackcheck.rules.nccl.nc10_memlock import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_says_how_low_the_limit_is():
    finding = found(RULE, with_limits(healthy(), infiniband_devices=1, memlock_bytes=8 << 20))
    assert "locked memory is limited to 8 MiB" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_none():
    assert verdict(RULE, with_limits(healthy(), infiniband_devices=1, memlock_bytes=-1)) == "pass"


def test_is_undecided_where_the_limit_is_not_known():
    assert (
        verdict(RULE, with_limits(healthy(), infiniband_devices=1, memlock_bytes=UNKNOWN))
        == "unknown"
    )

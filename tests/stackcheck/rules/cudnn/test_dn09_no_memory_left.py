from __future__ import annotations

from stackcheck.rules.cudnn.dn09_no_memory_left import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_builds, with_gpu


def test_says_how_much_is_free():
    finding = found(
        RULE, with_gpu(with_builds(healthy(), "torch==2.9.0+cu128"), memory_free_bytes=100 << 20)
    )
    assert "GPU 0 has 100 MiB free" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_room():
    assert verdict(RULE, with_builds(healthy(), "torch==2.9.0+cu128")) == "pass"


def test_is_undecided_where_memory_is_not_known():
    assert (
        verdict(
            RULE, with_gpu(with_builds(healthy(), "torch==2.9.0+cu128"), memory_free_bytes=UNKNOWN)
        )
        == "unknown"
    )

from __future__ import annotations

from stackcheck.rules.nccl.nc01_small_shm import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits


def test_compares_what_is_free_with_what_gpus_want():
    finding = found(RULE, with_limits(healthy(8), shm_bytes=64 << 20, shm_free_bytes=60 << 20))
    assert "shared memory has 60 MiB free of 64; 8 GPUs want some 512" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_room():
    assert (
        verdict(RULE, with_limits(healthy(8), shm_bytes=64 << 30, shm_free_bytes=60 << 30))
        == "pass"
    )


def test_is_undecided_where_the_size_is_not_known():
    assert (
        verdict(RULE, with_limits(healthy(8), shm_bytes=UNKNOWN, shm_free_bytes=UNKNOWN))
        == "unknown"
    )


def test_one_gpu_talks_to_nobody():
    assert verdict(RULE, with_limits(healthy(), shm_bytes=1, shm_free_bytes=1)) == "skipped"

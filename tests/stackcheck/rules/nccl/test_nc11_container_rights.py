from __future__ import annotations

from stackcheck.rules.nccl.nc11_container_rights import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, in_container, verdict, with_limits


def test_misses_the_right_to_lock_memory():
    finding = found(RULE, with_limits(in_container(healthy()), infiniband_devices=1, ipc_lock=0))
    assert "lacks CAP_IPC_LOCK" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_granted():
    assert (
        verdict(RULE, with_limits(in_container(healthy()), infiniband_devices=1, ipc_lock=1))
        == "pass"
    )


def test_is_undecided_where_rights_are_not_known():
    assert (
        verdict(RULE, with_limits(in_container(healthy()), infiniband_devices=1, ipc_lock=UNKNOWN))
        == "unknown"
    )

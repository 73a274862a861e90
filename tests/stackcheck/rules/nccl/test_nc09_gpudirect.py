from __future__ import annotations

from stackcheck.rules.nccl.nc09_gpudirect import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_limits


def test_misses_a_way_to_gpu_memory():
    finding = found(
        RULE,
        with_limits(
            changed(healthy(), driver__module__flavour="proprietary"),
            infiniband_devices=4,
            peermem_loaded=0,
        ),
    )
    assert "4 RDMA devices, and neither nvidia_peermem nor DMA-BUF" in finding.title
    assert finding.evidence


def test_is_silent_where_kernel_and_open_module_do_it():
    assert verdict(RULE, with_limits(healthy(), infiniband_devices=4, peermem_loaded=0)) == "pass"


def test_is_undecided_where_the_module_is_not_known():
    assert (
        verdict(RULE, with_limits(healthy(), infiniband_devices=4, peermem_loaded=UNKNOWN))
        == "unknown"
    )

from __future__ import annotations

from stackcheck.rules.devices.dv03_stale_major import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, node, verdict


def test_names_both_numbers():
    finding = found(
        RULE,
        changed(
            healthy(), driver__nodes=(node("/dev/nvidiactl"), node("/dev/nvidia-uvm", major=509))
        ),
    )
    assert "/dev/nvidia-uvm has major number 509, the kernel says 511" in finding.title
    assert finding.evidence


def test_is_silent_where_they_agree():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_proc_devices_cannot_be_read():
    assert verdict(RULE, changed(healthy(), driver__module__device_majors=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.devices.dv01_nodes_missing import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, in_container, node, verdict


def test_names_the_missing_node():
    finding = found(
        RULE, changed(healthy(2), driver__nodes=(node("/dev/nvidiactl"), node("/dev/nvidia0")))
    )
    assert "1 of 3 device nodes are missing: /dev/nvidia1" in finding.title
    assert finding.evidence


def test_is_silent_where_every_gpu_has_one():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_dev_cannot_be_read():
    assert verdict(RULE, changed(healthy(), driver__nodes=UNKNOWN)) == "unknown"


def test_a_container_has_only_what_it_was_given():
    machine = changed(healthy(2), driver__nodes=(node("/dev/nvidiactl"), node("/dev/nvidia0")))
    assert verdict(RULE, in_container(machine)) == "skipped"

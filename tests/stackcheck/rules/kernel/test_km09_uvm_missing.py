from __future__ import annotations

from stackcheck.rules.kernel.km09_uvm_missing import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, node, verdict


def test_says_that_the_module_is_not_loaded():
    finding = found(
        RULE, changed(healthy(), driver__module__uvm_loaded=False, driver__cuinit_code=999)
    )
    assert "nvidia_uvm module is not loaded" in finding.title
    assert finding.evidence


def test_is_silent_where_module_and_node_are_there():
    assert verdict(RULE, changed(healthy(), driver__cuinit_code=999)) == "pass"


def test_is_undecided_where_sysfs_does_not_say():
    assert (
        verdict(
            RULE, changed(healthy(), driver__module__uvm_loaded=UNKNOWN, driver__cuinit_code=999)
        )
        == "unknown"
    )


def test_a_missing_node_is_found_while_the_module_is_loaded():
    nodes = (node("/dev/nvidiactl"), node("/dev/nvidia0"))
    machine = changed(healthy(), driver__nodes=nodes, driver__cuinit_code=999)
    assert "/dev/nvidia-uvm is missing" in found(RULE, machine).title

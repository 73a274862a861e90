from __future__ import annotations

from stackcheck.rules.kernel.km13_half_installed import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, verdict, with_limits


def test_names_the_missing_half():
    finding = found(RULE, changed(healthy(), driver__cuda_library=ABSENT))
    assert "libcuda.so.1 is missing, while the kernel module 580.95.05" in finding.title
    assert finding.evidence


def test_is_silent_where_both_are_found():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert verdict(RULE, changed(healthy(), driver__cuda_library=UNKNOWN)) == "unknown"


def test_the_other_half_is_named_too():
    finding = found(RULE, changed(healthy(), driver__nvml_library=ABSENT))
    assert finding.title.startswith("libnvidia-ml.so.1 is missing")


def test_is_no_fault_where_a_driver_container_keeps_the_libraries():
    machine = changed(healthy(), driver__cuda_library=ABSENT, driver__nvml_library=ABSENT)
    assert found(RULE, with_limits(machine, driver_container=1)).severity == "info"
    assert found(RULE, with_limits(machine, driver_container=0)).severity == "error"

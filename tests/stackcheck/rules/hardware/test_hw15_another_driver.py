from __future__ import annotations

from stackcheck.rules.hardware.hw15_another_driver import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, found, healthy, verdict, with_function


def test_names_the_driver_that_owns_the_gpu():
    finding = found(RULE, with_function(healthy(), driver="vfio-pci"))
    assert "1 of 1 GPUs are bound to vfio-pci" in finding.title
    assert finding.evidence


def test_is_silent_where_nvidia_drives_it():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_link_cannot_be_read():
    assert verdict(RULE, with_function(healthy(), driver=UNKNOWN)) == "unknown"


def test_a_gpu_without_any_driver_beside_a_loaded_module_is_found():
    assert "no driver" in found(RULE, with_function(healthy(), driver=ABSENT)).title


def test_nouveau_is_left_to_its_own_rule():
    assert verdict(RULE, with_function(healthy(), driver="nouveau")) == "pass"

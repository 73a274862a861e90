from __future__ import annotations

import pytest

from stackcheck.rules.kernel.km15_driver_before_gpu import RULE
from tests.stackcheck.rules.builds.construction import found, judged, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, healthy, verdict, with_function
from tests.stackcheck.sketch import found as machine_finding


@pytest.mark.parametrize(
    ("capability", "driver", "first"),
    [("12.0", "560.35.03", "R570"), ("10.0", "535.54.03", "R570"), ("10.7", "610.57.04", "R615")],
)
def test_a_branch_before_the_first_one_does_not_know_the_gpu(capability, driver, first):
    finding = found(RULE, situated(on(capability, driver)))
    assert first in finding.title
    assert finding.reason == "driver-too-old-for-cuda"


def test_later_chips_of_a_generation_are_no_older_than_its_first():
    assert "R570" in found(RULE, situated(on("12.1", "550.54.14"))).title


@pytest.mark.parametrize(
    ("capability", "driver"),
    [("12.0", "570.86.10"), ("10.7", "615.10"), ("9.0", "525.60.13"), ("7.5", "418.39")],
)
def test_the_first_branch_and_chips_of_which_no_source_tells_pass(capability, driver):
    assert judged(RULE, situated(on(capability, driver))) == "pass"


def test_a_jetsons_driver_belongs_to_its_board():
    assert judged(RULE, situated(on("12.0", "540.4.0", host__platform="jetson"))) == "pass"


def test_is_undecided_where_the_driver_is_not_known():
    assert judged(RULE, situated(changed(on("12.0"), driver__release=UNKNOWN))) == "unknown"


def test_names_a_board_that_no_driver_claims_by_its_device_id():
    old = changed(healthy(), driver__release="550.54.14", gpus=())
    finding = machine_finding(RULE, with_function(old, device="0x2b85"))
    assert "older than the board 0x2b85" in finding.title
    assert verdict(RULE, with_function(old, device="0x2684")) == "pass"

from __future__ import annotations

import pytest

from stackcheck.rules.kernel.km08_driver_dropped_gpu import RULE
from tests.stackcheck.rules.builds.construction import found, judged, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed


@pytest.mark.parametrize(
    ("capability", "driver", "last"),
    [("6.1", "590.48.01", "R580"), ("3.7", "515.65.01", "R470"), ("7.0", "595.45.04", "R580")],
)
def test_a_branch_after_the_last_one_does_not_drive_the_gpu(capability, driver, last):
    finding = found(RULE, situated(on(capability, driver)))
    assert last in finding.title
    assert finding.reason == "arch-dropped"


@pytest.mark.parametrize(
    ("capability", "driver"), [("6.1", "580.95.05"), ("3.7", "470.256.02"), ("7.5", "620.70.06")]
)
def test_the_last_branch_and_gpus_that_none_dropped_pass(capability, driver):
    assert judged(RULE, situated(on(capability, driver))) == "pass"


def test_a_jetsons_driver_belongs_to_its_board():
    machine = on("6.2", "590.00", host__platform="jetson")
    assert judged(RULE, situated(machine)) in ("pass", "skipped")


def test_is_undecided_where_the_driver_is_not_known():
    machine = changed(on("6.1"), driver__release=UNKNOWN)
    assert judged(RULE, situated(machine)) == "unknown"

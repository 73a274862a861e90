from __future__ import annotations

from stackcheck.model.version import Version
from stackcheck.rules.kernel.km08_driver_dropped_gpu import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_function,
    with_gpu,
)

NEW_DRIVER = changed(healthy(), driver__release="590.48.01", driver__module__version="590.48.01")


def test_names_a_board_that_nvml_does_not_count_by_its_device_id():
    machine = with_function(changed(NEW_DRIVER, gpus=()), device="0x1b06")
    finding = found(RULE, machine)
    assert "driver 590.48.01 ignores the board 0x1b06" in finding.title
    assert "R580" in finding.title


def test_kepler_ended_earlier():
    machine = changed(healthy(), driver__release="535.54.03", gpus=())
    assert "R470" in found(RULE, with_function(machine, device="0x102d")).title


def test_names_a_gpu_by_its_capability_where_nvml_does():
    machine = with_gpu(NEW_DRIVER, name="Tesla V100", compute_capability=Version("7.0"))
    assert "no longer drives Tesla V100" in found(RULE, machine).title


def test_is_silent_about_boards_that_the_branch_drives():
    assert verdict(RULE, NEW_DRIVER) == "pass"
    pascal = with_function(changed(healthy(), gpus=()), device="0x1b06")
    assert verdict(RULE, pascal) == "pass"


def test_is_undecided_where_nobody_names_the_gpus():
    assert verdict(RULE, changed(NEW_DRIVER, gpus=UNKNOWN)) == "unknown"

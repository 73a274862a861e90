from __future__ import annotations

from stackcheck.rules.driver.dr02_ptx import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, with_gpu

BUILD = made(build="cu128", cuda="12.8", architectures="sm_80 sm_86 compute_86")


def test_ptx_of_a_newer_compiler_than_the_driver_knows_is_refused():
    finding = found(RULE, situated(on("9.0", "535.216.03", "12.2")), BUILD)
    assert "compute_86" in finding.title
    assert "12.2" in finding.title


def test_machine_code_needs_no_newer_driver():
    assert judged(RULE, situated(on("8.6", "535.216.03", "12.2")), BUILD) == "pass"


def test_a_driver_as_new_as_the_compiler_takes_the_ptx():
    assert judged(RULE, situated(on("9.0", "570.124.06", "12.8")), BUILD) == "pass"


def test_is_undecided_where_the_capability_is_not_known():
    machine = with_gpu(on("9.0", "535.216.03", "12.2"), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine), BUILD) == "unknown"


def test_is_undecided_where_the_driver_is_not_known():
    machine = changed(on("9.0"), driver__release=UNKNOWN, driver__cuda=UNKNOWN)
    assert judged(RULE, situated(machine), BUILD) == "unknown"

from __future__ import annotations

from stackcheck.rules.kernel.km05_library_mismatch import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, jetson, verdict


def test_names_both_releases():
    finding = found(
        RULE, changed(healthy(), driver__module__version="575.57.08", driver__nvml_code=18)
    )
    assert "kernel module is 575.57.08, user-mode library is 580.95.05" in finding.title
    assert finding.evidence


def test_is_silent_where_one_release_is_written_in_two_ways():
    assert verdict(RULE, changed(healthy(), driver__module__version="580.95.5")) == "pass"


def test_is_undecided_where_the_module_cannot_be_read():
    assert verdict(RULE, changed(healthy(), driver__module__version=UNKNOWN)) == "unknown"


def test_tells_by_file_names_alone_where_nvml_did_not_answer():
    machine = changed(healthy(), driver__module__version="575.57.08", driver__nvml_code=UNKNOWN)
    assert "575.57.08" in found(RULE, machine).title


def test_numbers_that_are_no_driver_release_are_not_compared():
    assert verdict(RULE, jetson()) == "pass"

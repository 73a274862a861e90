from __future__ import annotations

from stackcheck.rules.kernel.km12_firmware_missing import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_limits


def test_finds_no_firmware_of_the_drivers_release():
    finding = found(RULE, with_limits(changed(healthy(), gpus=()), gsp_firmware=0))
    assert "no GSP firmware for driver 580.95.05" in finding.title
    assert finding.evidence


def test_is_silent_where_files_are_there():
    assert verdict(RULE, with_limits(changed(healthy(), gpus=()), gsp_firmware=2)) == "pass"


def test_is_undecided_where_the_folder_cannot_be_read():
    assert (
        verdict(RULE, with_limits(changed(healthy(), gpus=()), gsp_firmware=UNKNOWN)) == "unknown"
    )

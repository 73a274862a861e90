from __future__ import annotations

from stackcheck.rules.hardware.hw05_row_remapping import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, found, healthy, verdict, with_gpu


def test_warns_of_rows_that_wait_for_a_reset():
    finding = found(RULE, with_gpu(healthy(2), ecc__remap_pending=True))
    assert "waits on 1 of 2 GPUs" in finding.title
    assert finding.evidence


def test_is_silent_where_nothing_waits():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_failure_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), ecc__remap_failed=UNKNOWN)) == "unknown"


def test_a_failed_remapping_is_an_error():
    finding = found(RULE, with_gpu(healthy(), ecc__remap_failed=True))
    assert finding.severity == "error"
    assert "failed on 1 of 1" in finding.title


def test_a_page_that_waits_for_retirement_is_the_older_boards_kind():
    machine = with_gpu(healthy(), ecc__retirement_pending=True, ecc__remap_pending=ABSENT)
    assert "waits on 1 of 1" in found(RULE, machine).title

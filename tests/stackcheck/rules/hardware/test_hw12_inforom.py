from __future__ import annotations

from stackcheck.rules.hardware.hw12_inforom import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, found, healthy, verdict, with_gpu


def test_names_a_board_whose_inforom_is_corrupted():
    finding = found(RULE, with_gpu(healthy(), inforom_valid=False))
    assert "infoROM of 1 of 1" in finding.title
    assert finding.evidence


def test_is_silent_where_boards_have_none():
    assert verdict(RULE, with_gpu(healthy(), inforom_valid=ABSENT)) == "pass"


def test_is_undecided_where_it_was_not_validated():
    assert verdict(RULE, with_gpu(healthy(), inforom_valid=UNKNOWN)) == "unknown"

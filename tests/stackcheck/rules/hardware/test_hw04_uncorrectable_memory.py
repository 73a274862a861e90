from __future__ import annotations

from stackcheck.rules.hardware.hw04_uncorrectable_memory import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_counts_uncorrectable_errors():
    finding = found(RULE, with_gpu(healthy(), ecc__uncorrected=12))
    assert "GPU 0 has 12 uncorrectable" in finding.title
    assert finding.evidence


def test_is_silent_about_corrected_errors():
    assert verdict(RULE, with_gpu(healthy(), ecc__corrected=7)) == "pass"


def test_is_undecided_where_the_counter_cannot_be_read():
    assert verdict(RULE, with_gpu(healthy(), ecc__uncorrected=UNKNOWN)) == "unknown"

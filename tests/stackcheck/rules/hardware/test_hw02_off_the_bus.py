from __future__ import annotations

from stackcheck.rules.hardware.hw02_off_the_bus import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_function, with_gpu


def test_names_the_gpu_that_nvml_calls_lost():
    finding = found(RULE, with_gpu(healthy(2), 1, handle_code=15))
    assert "1 of 2 GPUs fell off the bus: GPU 1" in finding.title
    assert finding.evidence


def test_is_silent_while_every_gpu_answers():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_the_configuration_space_cannot_be_read():
    assert verdict(RULE, with_function(healthy(), responds=UNKNOWN)) == "unknown"


def test_names_the_function_that_reads_all_ones():
    finding = found(RULE, with_function(healthy(2), 1, responds=False))
    assert "0000:3c:00.0" in finding.title

from __future__ import annotations

from stackcheck.rules.visibility.vs07_memory_taken import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_names_the_process_that_holds_the_memory():
    finding = found(RULE, with_gpu(healthy(2), memory_free_bytes=2**30, processes=(4321,)))
    assert "of GPU 0 is taken, by process 4321" in finding.title
    assert finding.evidence


def test_is_silent_where_memory_is_free():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_memory_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), memory_free_bytes=UNKNOWN)) == "unknown"


def test_it_is_an_error_where_no_gpu_is_left_and_nobody_is_seen():
    finding = found(RULE, with_gpu(healthy(), memory_free_bytes=2**20))
    assert finding.severity == "error"
    assert "no process that may be seen" in finding.title

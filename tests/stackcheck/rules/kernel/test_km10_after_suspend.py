from __future__ import annotations

from stackcheck.rules.kernel.km10_after_suspend import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict


def test_finds_cuda_dead_with_everything_else_alive():
    finding = found(RULE, changed(healthy(), driver__cuinit_code=999))
    assert "cuInit returns 999 while NVML" in finding.title
    assert finding.evidence


def test_is_silent_where_cuinit_succeeds():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_cuinit_was_not_called():
    assert verdict(RULE, changed(healthy(), driver__cuinit_code=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.wsl.ws02_no_gpu_device import RULE
from tests.stackcheck.sketch import UNKNOWN, found, verdict, wsl


def test_misses_the_device():
    finding = found(RULE, wsl(driver__nodes=()))
    assert "there is no /dev/dxg" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_there():
    assert verdict(RULE, wsl()) == "pass"


def test_is_undecided_where_dev_cannot_be_read():
    assert verdict(RULE, wsl(driver__nodes=UNKNOWN)) == "unknown"

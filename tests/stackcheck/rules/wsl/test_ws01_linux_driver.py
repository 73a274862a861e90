from __future__ import annotations

from stackcheck.rules.wsl.ws01_linux_driver import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, library, verdict, wsl


def test_finds_a_libcuda_that_is_not_of_windows():
    finding = found(RULE, wsl(driver__cuda_library=library("libcuda.so.1", "580.95.05")))
    assert "not the one of Windows" in finding.title
    assert finding.evidence


def test_is_silent_about_windows_own():
    assert verdict(RULE, wsl()) == "pass"


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert verdict(RULE, wsl(driver__cuda_library=UNKNOWN)) == "unknown"


def test_bare_metal_is_skipped():
    assert verdict(RULE, healthy()) == "skipped"

from __future__ import annotations

from stackcheck.rules.wsl.ws05_prefix_on_windows import RULE
from tests.stackcheck.sketch import UNKNOWN, found, verdict, wsl


def test_names_the_environment_on_a_windows_drive():
    finding = found(RULE, wsl(environment__prefix="/mnt/c/Users/x/env"))
    assert "/mnt/c/Users/x/env lies on a Windows drive" in finding.title
    assert finding.evidence


def test_is_silent_below_the_linux_home():
    assert verdict(RULE, wsl()) == "pass"


def test_is_undecided_where_the_environment_is_not_known():
    assert verdict(RULE, wsl(environment=UNKNOWN)) == "unknown"

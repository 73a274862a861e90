from __future__ import annotations

from stackcheck.rules.wsl.ws06_memory_limit import RULE
from tests.stackcheck.sketch import UNKNOWN, found, verdict, with_files, wsl


def test_names_the_limit():
    finding = found(RULE, with_files(wsl(), {".wslconfig": "[wsl2]\nmemory=4GB\n"}))
    assert "limits WSL to 4GB" in finding.title
    assert finding.evidence


def test_is_silent_about_a_high_one():
    assert verdict(RULE, with_files(wsl(), {".wslconfig": "[wsl2]\nmemory=24GB\n"})) == "pass"


def test_is_undecided_where_the_file_cannot_be_read():
    assert verdict(RULE, with_files(wsl(), {".wslconfig": UNKNOWN})) == "unknown"

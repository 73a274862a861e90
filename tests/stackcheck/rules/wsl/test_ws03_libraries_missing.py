from __future__ import annotations

from stackcheck.rules.wsl.ws03_libraries_missing import RULE
from tests.stackcheck.sketch import UNKNOWN, found, verdict, wsl


def test_names_what_windows_did_not_bring():
    finding = found(RULE, wsl(host__wsl_libraries=("libdxcore.so",)))
    assert "lacks libcuda.so.1, libnvidia-ml.so.1" in finding.title
    assert finding.evidence


def test_is_silent_where_all_is_there():
    assert verdict(RULE, wsl()) == "pass"


def test_is_undecided_where_the_folder_cannot_be_read():
    assert verdict(RULE, wsl(host__wsl_libraries=UNKNOWN)) == "unknown"

from __future__ import annotations

from stackcheck.rules.python.py12_another_pip import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_files


def test_names_both_prefixes():
    finding = found(RULE, with_files(healthy(), {"pip": "/usr"}))
    assert "pip installs into /usr, and python is that of /env" in finding.title
    assert finding.evidence


def test_is_silent_where_they_are_one():
    assert verdict(RULE, with_files(healthy(), {"pip": "/env/"})) == "pass"


def test_is_undecided_where_pip_cannot_be_read():
    assert verdict(RULE, with_files(healthy(), {"pip": UNKNOWN})) == "unknown"

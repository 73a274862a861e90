from __future__ import annotations

from stackcheck.model.small_facts import FILES, LIMITS
from stackcheck.probe.machine import probe_machine


def test_every_number_that_rules_look_up_is_brought(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOME", "/home/nobody-here")
    host = probe_machine().host
    assert LIMITS.keys() == host.limits.keys()


def test_every_text_that_rules_look_up_is_brought(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOME", "/home/nobody-here")
    paths = probe_machine().host.files
    missing = [
        name
        for name in FILES
        if name != ".wslconfig" and not any(path.endswith(name) for path in paths)
    ]
    assert missing == []

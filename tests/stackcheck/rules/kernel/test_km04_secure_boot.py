from __future__ import annotations

from stackcheck.rules.kernel.km04_secure_boot import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, verdict, with_limits


def test_finds_a_module_that_secure_boot_keeps_out():
    finding = found(
        RULE, with_limits(changed(healthy(), driver__module__version=ABSENT), secure_boot=1)
    )
    assert "Secure Boot is on" in finding.title
    assert finding.evidence


def test_is_silent_where_secure_boot_is_off():
    assert (
        verdict(
            RULE, with_limits(changed(healthy(), driver__module__version=ABSENT), secure_boot=0)
        )
        == "pass"
    )


def test_is_undecided_where_the_variable_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_limits(changed(healthy(), driver__module__version=ABSENT), secure_boot=UNKNOWN),
        )
        == "unknown"
    )

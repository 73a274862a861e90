from __future__ import annotations

from stackcheck.rules.kernel.km03_build_failed import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, verdict, with_limits


def test_says_that_headers_are_missing():
    finding = found(
        RULE,
        with_limits(
            changed(healthy(), driver__module__version=ABSENT, driver__module__built_for=()),
            dkms_build_failed=1,
            kernel_headers=0,
        ),
    )
    assert "for kernel 6.8.0-45-generic: its headers are missing" in finding.title
    assert finding.evidence


def test_is_silent_where_the_module_is_loaded():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_dkms_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_limits(
                changed(healthy(), driver__module__version=ABSENT, driver__module__built_for=()),
                dkms_build_failed=UNKNOWN,
                kernel_headers=0,
            ),
        )
        == "unknown"
    )

from __future__ import annotations

from stackcheck.rules.kernel.km11_hmm import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict


def test_blames_hmm_under_the_open_module():
    finding = found(RULE, changed(healthy(), driver__cuinit_code=3))
    assert "cuInit returns 3" in finding.title
    assert finding.evidence


def test_is_silent_where_hmm_is_switched_off():
    assert (
        verdict(RULE, changed(healthy(), driver__cuinit_code=3, driver__module__hmm_disabled=True))
        == "pass"
    )


def test_is_undecided_where_the_parameter_cannot_be_read():
    assert (
        verdict(
            RULE, changed(healthy(), driver__cuinit_code=3, driver__module__hmm_disabled=UNKNOWN)
        )
        == "unknown"
    )

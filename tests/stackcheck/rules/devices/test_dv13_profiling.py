from __future__ import annotations

from stackcheck.rules.devices.dv13_profiling import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_variables


def test_tells_who_wants_to_profile():
    finding = found(
        RULE,
        with_variables(
            changed(healthy(), driver__module__parameters={"RmProfilingAdminOnly": "1"}),
            CUDA_INJECTION64_PATH="/opt/cupti.so",
        ),
    )
    assert "for administrators only" in finding.title
    assert finding.evidence


def test_is_silent_where_nobody_profiles():
    assert (
        verdict(RULE, changed(healthy(), driver__module__parameters={"RmProfilingAdminOnly": "1"}))
        == "pass"
    )


def test_is_undecided_where_parameters_cannot_be_read():
    assert verdict(RULE, changed(healthy(), driver__module__parameters=UNKNOWN)) == "unknown"

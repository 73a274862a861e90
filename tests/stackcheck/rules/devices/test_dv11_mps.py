from __future__ import annotations

from stackcheck.rules.devices.dv11_mps import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_limits, with_variables


def test_names_the_directory_without_a_daemon():
    finding = found(
        RULE,
        with_limits(with_variables(healthy(), CUDA_MPS_PIPE_DIRECTORY="/tmp/mps"), mps_control=0),
    )
    assert "/tmp/mps holds no control pipe" in finding.title
    assert finding.evidence


def test_is_silent_where_the_pipe_is_there():
    assert verdict(RULE, with_limits(healthy(), mps_control=1)) == "pass"


def test_is_undecided_where_the_directory_cannot_be_read():
    assert verdict(RULE, with_limits(healthy(), mps_control=UNKNOWN)) == "unknown"

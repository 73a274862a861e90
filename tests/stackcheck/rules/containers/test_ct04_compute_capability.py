from __future__ import annotations

from stackcheck.rules.containers.ct04_compute_capability import RULE
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    changed,
    found,
    healthy,
    in_container,
    verdict,
    with_variables,
)


def test_says_which_capability_was_asked_for():
    finding = found(
        RULE,
        with_variables(
            in_container(changed(healthy(), driver__cuda_library=ABSENT)),
            NVIDIA_DRIVER_CAPABILITIES="utility",
        ),
    )
    assert "libcuda.so.1 is not; NVIDIA_DRIVER_CAPABILITIES is utility" in finding.title
    assert finding.evidence


def test_is_silent_where_both_libraries_came():
    assert verdict(RULE, in_container(healthy())) == "pass"


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert (
        verdict(RULE, in_container(changed(healthy(), driver__cuda_library=UNKNOWN))) == "unknown"
    )

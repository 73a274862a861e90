from __future__ import annotations

from stackcheck.rules.cudnn.dn04_sublibrary_missing import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    library,
    verdict,
    with_distributions,
)


def test_finds_the_wheel_that_lacks_a_part():
    finding = found(
        RULE,
        changed(
            with_distributions(healthy(), "nvidia-cudnn-cu13==9.20.0.48"),
            system_cudnn=library("libcudnn.so.9", "9.10.2"),
        ),
    )
    assert "nvidia-cudnn-cu13 9.20.0.48 lacks libcudnn_engines_tensor_ir.so.9" in finding.title
    assert finding.evidence


def test_is_silent_where_the_system_has_no_cudnn():
    assert verdict(RULE, with_distributions(healthy(), "nvidia-cudnn-cu13==9.20.0.48")) == "pass"


def test_is_undecided_where_the_system_cannot_be_asked():
    assert (
        verdict(
            RULE,
            changed(
                with_distributions(healthy(), "nvidia-cudnn-cu13==9.20.0.48"), system_cudnn=UNKNOWN
            ),
        )
        == "unknown"
    )

from __future__ import annotations

from stackcheck.model.version import Version
from stackcheck.rules.cudnn.dn01_tensorflow_libraries import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_builds,
    with_distributions,
)


def test_misses_cudnn_beside_tensorflow():
    finding = found(
        RULE,
        with_builds(healthy(), "tensorflow==99.1+cu128", cuda=Version("12.8")),
    )
    assert "is installed without its CUDA libraries" in finding.title
    assert finding.evidence


def test_is_silent_where_the_wheel_is_there():
    assert (
        verdict(
            RULE,
            with_distributions(
                with_builds(healthy(), "tensorflow==99.1+cu128", cuda=Version("12.8")),
                "nvidia-cudnn-cu12==9.3.0.75",
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_system_cannot_be_asked():
    assert (
        verdict(
            RULE,
            changed(
                with_builds(healthy(), "tensorflow==99.1+cu128", cuda=Version("12.8")),
                system_cudnn=UNKNOWN,
            ),
        )
        == "unknown"
    )

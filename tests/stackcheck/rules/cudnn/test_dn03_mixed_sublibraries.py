from __future__ import annotations

from stackcheck.rules.cudnn.dn03_mixed_sublibraries import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    library,
    verdict,
    with_libraries,
)


def test_names_both_versions():
    finding = found(
        RULE,
        changed(
            with_libraries(healthy(), "libcudnn.so.9==9.10.2", "libcudnn_ops.so.9==9.10.2"),
            environment__shadowing=(library("libcudnn.so.9", "9.1.0", "/opt/lib"),),
        ),
    )
    assert "cuDNN 9.1.0 and 9.10.2 are mixed: 1 of 2 libraries come from /opt/lib" in finding.title
    assert finding.evidence


def test_is_silent_where_nothing_shadows():
    assert verdict(RULE, with_libraries(healthy(), "libcudnn.so.9==9.10.2")) == "pass"


def test_is_undecided_where_a_version_is_not_known():
    assert (
        verdict(
            RULE,
            changed(
                with_libraries(healthy(), "libcudnn.so.9==9.10.2", "libcudnn_ops.so.9==9.10.2"),
                environment__shadowing=(
                    changed(library("libcudnn.so.9", "9.1.0"), version=UNKNOWN),
                ),
            ),
        )
        == "unknown"
    )

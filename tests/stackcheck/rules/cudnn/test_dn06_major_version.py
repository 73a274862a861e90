from __future__ import annotations

from stackcheck.rules.cudnn.dn06_major_version import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    installed,
    verdict,
    with_libraries,
)


def test_names_both_majors():
    finding = found(
        RULE,
        changed(
            with_libraries(healthy(), "libcudnn.so.9==9.10.2"),
            environment__builds=(installed("torch", "2.1.0", "cu121", needed=("libcudnn.so.8",)),),
        ),
    )
    assert "torch needs cuDNN 8, and only cuDNN 9 is here" in finding.title
    assert finding.evidence


def test_is_silent_where_the_major_is_there():
    assert (
        verdict(
            RULE,
            changed(
                with_libraries(healthy(), "libcudnn.so.8==8.9.2"),
                environment__builds=(
                    installed("torch", "2.1.0", "cu121", needed=("libcudnn.so.8",)),
                ),
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_system_cannot_be_asked():
    assert (
        verdict(
            RULE,
            changed(
                with_libraries(healthy(), "libcudnn.so.9==9.10.2"),
                environment__builds=(
                    installed("torch", "2.1.0", "cu121", needed=("libcudnn.so.8",)),
                ),
                system_cudnn=UNKNOWN,
            ),
        )
        == "unknown"
    )

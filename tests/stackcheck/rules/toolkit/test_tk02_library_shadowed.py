from __future__ import annotations

from stackcheck.rules.toolkit.tk02_library_shadowed import RULE
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
            with_libraries(healthy(), "libnvJitLink.so.12==12.8.93"),
            environment__shadowing=(library("libnvJitLink.so.12", "12.1.105", "/opt/cuda/lib64"),),
        ),
    )
    assert (
        "libnvJitLink.so.12 12.1.105 is found before the environment's own 12.8.93" in finding.title
    )
    assert finding.evidence


def test_is_silent_about_the_same_version():
    assert (
        verdict(
            RULE,
            changed(
                with_libraries(healthy(), "libnvJitLink.so.12==12.8.93"),
                environment__shadowing=(
                    library("libnvJitLink.so.12", "12.8.93", "/opt/cuda/lib64"),
                ),
            ),
        )
        == "pass"
    )


def test_is_undecided_where_a_version_is_not_known():
    assert (
        verdict(
            RULE,
            changed(
                with_libraries(healthy(), "libnvJitLink.so.12==12.8.93"),
                environment__shadowing=(
                    changed(library("libnvJitLink.so.12", "1.0"), version=UNKNOWN),
                ),
            ),
        )
        == "unknown"
    )


def test_a_newer_library_is_only_a_warning():
    taken = (library("libnvJitLink.so.12", "12.9.86", "/opt/cuda/lib64"),)
    machine = changed(
        with_libraries(healthy(), "libnvJitLink.so.12==12.8.93"), environment__shadowing=taken
    )
    assert found(RULE, machine).severity == "warning"

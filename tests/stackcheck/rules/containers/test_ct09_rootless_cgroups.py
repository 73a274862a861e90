from __future__ import annotations

from stackcheck.rules.containers.ct09_rootless_cgroups import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_files, with_limits


def test_finds_a_configuration_for_root():
    finding = found(
        RULE,
        with_files(
            with_limits(healthy(), engine_rootless=1),
            {"/etc/nvidia-container-runtime/config.toml": "#no-cgroups = false\n"},
        ),
    )
    assert "runs rootless, and no-cgroups is not true" in finding.title
    assert finding.evidence


def test_is_silent_where_cgroups_are_left_alone():
    assert (
        verdict(
            RULE,
            with_files(
                with_limits(healthy(), engine_rootless=1),
                {"/etc/nvidia-container-runtime/config.toml": "no-cgroups = true\n"},
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_file_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_files(
                with_limits(healthy(), engine_rootless=1),
                {"/etc/nvidia-container-runtime/config.toml": UNKNOWN},
            ),
        )
        == "unknown"
    )

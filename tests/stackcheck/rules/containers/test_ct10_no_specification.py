from __future__ import annotations

from stackcheck.rules.containers.ct10_no_specification import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, found, healthy, verdict, with_files


def test_misses_the_file_where_the_engine_wants_it():
    finding = found(
        RULE,
        with_files(
            healthy(),
            {
                "/etc/cdi/nvidia.yaml": ABSENT,
                "/var/run/cdi/nvidia.yaml": ABSENT,
                "/etc/docker/daemon.json": '{"features": {"cdi": true}}',
            },
        ),
    )
    assert "there is no specification" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_one():
    assert (
        verdict(
            RULE,
            with_files(
                healthy(),
                {"/etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0", "/var/run/cdi/nvidia.yaml": ABSENT},
            ),
        )
        == "pass"
    )


def test_is_undecided_where_it_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_files(
                healthy(), {"/etc/cdi/nvidia.yaml": UNKNOWN, "/var/run/cdi/nvidia.yaml": ABSENT}
            ),
        )
        == "unknown"
    )

from __future__ import annotations

from stackcheck.rules.containers.ct12_specification_stale import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, verdict, with_files


def test_names_both_releases():
    finding = found(
        RULE,
        with_files(
            healthy(),
            {
                "/etc/cdi/nvidia.yaml": "cdiVersion: 0.7.0\nhostPath: /usr/lib/libcuda.so.575.57.08\n",
                "/var/run/cdi/nvidia.yaml": ABSENT,
            },
        ),
    )
    assert "mounts driver 575.57.08, and 580.95.05 is loaded" in finding.title
    assert finding.evidence


def test_is_silent_where_they_agree():
    assert (
        verdict(
            RULE,
            with_files(
                changed(healthy(), driver__module__version="575.57.08"),
                {
                    "/etc/cdi/nvidia.yaml": "cdiVersion: 0.7.0\nhostPath: /usr/lib/libcuda.so.575.57.08\n",
                    "/var/run/cdi/nvidia.yaml": ABSENT,
                },
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_file_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_files(
                healthy(), {"/etc/cdi/nvidia.yaml": UNKNOWN, "/var/run/cdi/nvidia.yaml": ABSENT}
            ),
        )
        == "unknown"
    )

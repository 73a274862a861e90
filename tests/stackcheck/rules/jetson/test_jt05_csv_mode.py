from __future__ import annotations

from stackcheck.rules.jetson.jt05_csv_mode import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, found, jetson, verdict, with_files


def test_finds_a_specification_without_the_boards_nodes():
    finding = found(
        RULE,
        with_files(
            jetson(),
            {
                "/etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0\ndevices: []\n",
                "/var/run/cdi/nvidia.yaml": ABSENT,
            },
        ),
    )
    assert "was not made for a Jetson" in finding.title
    assert finding.evidence


def test_is_silent_where_it_names_them():
    assert (
        verdict(
            RULE,
            with_files(
                jetson(),
                {
                    "/etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0\npath: /dev/nvmap\n",
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
                jetson(), {"/etc/cdi/nvidia.yaml": UNKNOWN, "/var/run/cdi/nvidia.yaml": ABSENT}
            ),
        )
        == "unknown"
    )

from __future__ import annotations

from stackcheck.rules.containers.ct11_specification_too_new import RULE
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    found,
    healthy,
    verdict,
    with_files,
    with_limits,
)


def test_names_both_versions():
    finding = found(
        RULE,
        with_limits(
            with_files(
                healthy(),
                {
                    "/etc/cdi/nvidia.yaml": "cdiVersion: 0.7.0\nhostPath: /usr/lib/libcuda.so.575.57.08\n",
                    "/var/run/cdi/nvidia.yaml": ABSENT,
                },
            ),
            podman_major=4,
        ),
    )
    assert "of version 0.7.0, and podman 4 reads older ones" in finding.title
    assert finding.evidence


def test_is_silent_with_a_newer_engine():
    assert (
        verdict(
            RULE,
            with_limits(
                with_files(
                    healthy(),
                    {
                        "/etc/cdi/nvidia.yaml": "cdiVersion: 0.7.0\nhostPath: /usr/lib/libcuda.so.575.57.08\n",
                        "/var/run/cdi/nvidia.yaml": ABSENT,
                    },
                ),
                podman_major=5,
            ),
        )
        == "pass"
    )


def test_is_undecided_where_podman_is_not_known():
    assert (
        verdict(
            RULE,
            with_limits(
                with_files(
                    healthy(),
                    {
                        "/etc/cdi/nvidia.yaml": "cdiVersion: 0.7.0\nhostPath: /usr/lib/libcuda.so.575.57.08\n",
                        "/var/run/cdi/nvidia.yaml": ABSENT,
                    },
                ),
                podman_major=UNKNOWN,
            ),
        )
        == "unknown"
    )

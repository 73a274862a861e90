from __future__ import annotations

from stackcheck.rules.containers.ct02_runtime_not_registered import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_files


def test_finds_a_default_runtime_that_is_not_defined():
    finding = found(
        RULE, with_files(healthy(), {"/etc/docker/daemon.json": '{"default-runtime": "nvidia"}'})
    )
    assert "names nvidia as default runtime and does not define it" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_registered():
    assert (
        verdict(
            RULE,
            with_files(
                healthy(),
                {
                    "/etc/docker/daemon.json": '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}'
                },
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_file_cannot_be_read():
    assert verdict(RULE, with_files(healthy(), {"/etc/docker/daemon.json": UNKNOWN})) == "unknown"


def test_a_broken_file_is_named():
    machine = with_files(healthy(), {"/etc/docker/daemon.json": '{"runtimes": '})
    assert "is no JSON" in found(RULE, machine).title

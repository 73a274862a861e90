from __future__ import annotations

from stackcheck.rules.containers.ct06_host_without_driver import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, in_container, verdict


def test_sends_people_to_the_host():
    finding = found(RULE, in_container(changed(healthy(2), driver__module__version=ABSENT)))
    assert (
        "the host of this container has 2 NVIDIA GPUs and no nvidia module loaded" in finding.title
    )
    assert finding.evidence


def test_is_silent_where_the_module_is_loaded():
    assert verdict(RULE, in_container(healthy())) == "pass"


def test_is_undecided_where_sysfs_does_not_say():
    assert (
        verdict(RULE, in_container(changed(healthy(), driver__module__version=UNKNOWN)))
        == "unknown"
    )

from __future__ import annotations

from stackcheck.rules.containers.ct03_no_gpu_passed import RULE
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    changed,
    found,
    healthy,
    in_container,
    verdict,
)


def test_says_that_the_container_has_no_gpu():
    finding = found(
        RULE, in_container(changed(healthy(), driver__nodes=(), driver__nvml_library=ABSENT))
    )
    assert "this docker container has no GPU, and its host has 1" in finding.title
    assert finding.evidence


def test_is_silent_where_it_has_one():
    assert verdict(RULE, in_container(healthy())) == "pass"


def test_is_undecided_where_dev_cannot_be_read():
    assert verdict(RULE, in_container(changed(healthy(), driver__nodes=UNKNOWN))) == "unknown"


def test_the_fix_is_that_of_the_engine():
    machine = changed(healthy(), driver__nodes=(), driver__nvml_library=ABSENT)
    fix = found(RULE, in_container(machine, "podman")).fix
    assert fix.commands == ("podman run --device nvidia.com/gpu=all IMAGE",)


def test_outside_of_a_container_it_is_skipped():
    assert verdict(RULE, changed(healthy(), driver__nodes=())) == "skipped"

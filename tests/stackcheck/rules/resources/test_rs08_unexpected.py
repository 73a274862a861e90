from __future__ import annotations

from stackcheck.rules.resources.rs08_unexpected import expectation_rule
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    gpu,
    healthy,
    verdict,
    with_builds,
    with_gpu,
)

LIKE_THAT = expectation_rule(with_builds(healthy(8), "torch==2.9.0+cu128"))
HERE = with_builds(healthy(8), "torch==2.9.0+cu128")


def test_a_machine_of_the_same_kind_passes():
    other = with_gpu(changed(HERE, host__hostname="gpunode08"), serial="1", memory_free_bytes=0)
    assert verdict(LIKE_THAT, other) == "pass"


def test_a_missing_gpu_is_counted():
    finding = found(LIKE_THAT, changed(HERE, gpus=tuple(gpu(index) for index in range(7))))
    assert finding.title.startswith("GPUs: 7 x NVIDIA H100 80GB HBM3 here, 8 x NVIDIA H100")


def test_another_driver_and_another_build_are_told_together():
    machine = with_builds(changed(HERE, driver__release="570.86.15"), "torch==2.8.0+cu128")
    finding = found(LIKE_THAT, machine)
    assert "driver: 570.86.15 here, 580.95.05 expected, and 1 more differ" in finding.title
    assert any("pytorch 2.8.0+cu128" in line.value for line in finding.evidence)


def test_what_nobody_knows_here_leaves_it_undecided():
    assert verdict(LIKE_THAT, changed(HERE, driver__release=UNKNOWN)) == "unknown"


def test_what_was_not_recorded_is_not_expected():
    unsure = expectation_rule(changed(HERE, driver__release=UNKNOWN))
    assert verdict(unsure, changed(HERE, driver__release="570.86.15")) == "pass"


def test_without_a_machine_to_compare_with_it_is_skipped():
    assert verdict(expectation_rule(None), HERE) == "skipped"

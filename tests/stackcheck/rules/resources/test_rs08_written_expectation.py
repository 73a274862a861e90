from __future__ import annotations

import pytest

from stackcheck.model.expectation import Expectation
from stackcheck.rules.resources.rs08_unexpected import expectation_rule
from tests.stackcheck.sketch import UNKNOWN, changed, found, gpu, healthy, verdict, with_builds

HERE = with_builds(healthy(8), "torch==2.9.0+cu128")


def expecting(**fields):
    return expectation_rule(Expectation("expected.yaml", **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"driver": ">=580,<581"},
        {"gpus": 8, "gpu": "h100"},
        {"ecc": True, "mig": False, "persistence": True},
        {"frameworks": {"pytorch": ">=2.9", "torch": "==2.9.*"}},
        {},
    ],
    ids=str,
)
def test_what_is_as_written_passes(fields):
    assert verdict(expecting(**fields), HERE) == "pass"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"driver": "<575"}, "driver: 580.95.05 here, <575 expected"),
        ({"gpus": 7}, "GPUs: 8 here, 7 expected"),
        ({"gpu": "B200"}, "GPU 0: NVIDIA H100 80GB HBM3 here, B200 expected, and 7 more differ"),
        ({"mig": True}, "MIG of GPU 0: off here, on expected"),
        ({"frameworks": {"pytorch": "<2.9"}}, "pytorch: 2.9.0 here, <2.9 expected"),
        ({"frameworks": {"jax": ">=0.4"}}, "jax: none here, >=0.4 expected"),
        ({"kernel": "6.8.0-1-generic"}, "6.8.0-1-generic expected"),
    ],
    ids=str,
)
def test_what_differs_is_told_with_both_sides(fields, words):
    finding = found(expecting(**fields), HERE)
    assert words in finding.title
    assert finding.evidence[1].source == "expected.yaml"


def test_one_gpu_with_another_state_is_named():
    gpus = tuple(gpu(index, persistence=index != 3) for index in range(8))
    finding = found(expecting(persistence=True), changed(HERE, gpus=gpus))
    assert finding.title == "persistence of GPU 3: off here, on expected"


def test_what_nobody_knows_here_leaves_it_undecided():
    assert verdict(expecting(driver=">=580"), changed(HERE, driver__release=UNKNOWN)) == "unknown"
    assert verdict(expecting(gpus=8), changed(HERE, gpus=UNKNOWN)) == "unknown"

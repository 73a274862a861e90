from __future__ import annotations

from stackcheck.rules.python.py14_satellites import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated

BUILD = made(version="2.9.0", companions={"torchvision": "0.24.0"})


def test_a_satellite_of_another_release_does_not_belong_to_it():
    finding = found(RULE, situated(on(), torchvision="0.22.1"), BUILD)
    assert "torchvision 0.22.1" in finding.title
    assert "torchvision==0.24.0" in finding.fix.commands[0]


def test_a_satellite_of_another_cuda_does_not_belong_to_it():
    assert found(RULE, situated(on(), torchvision="0.24.0+cpu"), BUILD)


def test_the_satellite_of_the_release_passes():
    assert judged(RULE, situated(on(), torchvision="0.24.0"), BUILD) == "pass"
    assert judged(RULE, situated(on(), torchvision="0.24.0+cu126"), BUILD) == "pass"


def test_where_there_is_no_satellite_there_is_nothing_to_judge():
    assert judged(RULE, situated(on()), BUILD) == "pass"

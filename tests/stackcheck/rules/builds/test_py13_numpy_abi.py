from __future__ import annotations

from stackcheck.rules.python.py13_numpy_abi import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated

BUILD = made(numpy=">=1.22,<2")


def test_numpy_2_is_beside_a_build_for_numpy_1():
    finding = found(RULE, situated(on(), numpy="2.0.2"), BUILD)
    assert "NumPy 2.0.2" in finding.title
    assert "numpy>=1.22,<2" in finding.fix.commands[0]
    assert finding.reason == "numpy-abi"


def test_numpy_that_is_too_old_is_outside_as_well():
    assert found(RULE, situated(on(), numpy="1.21.6"), BUILD)


def test_numpy_within_the_range_passes():
    assert judged(RULE, situated(on(), numpy="1.26.4"), BUILD) == "pass"


def test_where_nobody_said_which_numpy_there_is_nothing_to_judge():
    assert judged(RULE, situated(on()), BUILD) == "pass"


def test_a_build_whose_range_is_not_known_is_not_judged():
    assert judged(RULE, situated(on(), numpy="2.0.2"), made(numpy="")) == "pass"

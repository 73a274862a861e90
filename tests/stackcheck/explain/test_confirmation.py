from __future__ import annotations

import pytest

from stackcheck.diagnose.explain.confirmation import confirm, confirmable
from stackcheck.knowledge.knowledge import load
from tests.stackcheck import sketch


def test_a_rule_that_finds_it_confirms_it():
    machine = sketch.changed(sketch.healthy(), driver__release="440.33.01", driver__cuda="10.2")
    machine = sketch.with_builds(machine, "torch==2.9.0+cu128")
    assert confirm(["DR-01"], machine, load()) == {"DR-01": True}


def test_a_rule_that_passes_denies_it():
    assert confirm(["KM-05"], sketch.healthy(), load()) == {"KM-05": False}


@pytest.mark.parametrize("code", ["FA-01", "PY-31", "NC-04"])
def test_nothing_is_said_of_what_no_rule_sees(code):
    assert not confirmable([code])
    assert confirm([code], sketch.healthy(), load()) == {}


def test_nothing_is_said_where_the_rule_cannot_judge():
    machine = sketch.wsl(driver__cuda_library=sketch.UNKNOWN)
    assert confirm(["WS-01"], machine, load()) == {}
    assert confirm(["WS-01"], sketch.healthy(), load()) == {}

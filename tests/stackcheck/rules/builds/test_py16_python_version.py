from __future__ import annotations

import pytest

from stackcheck.rules.python.py16_python_version import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated


@pytest.mark.parametrize("python", ["3.10", "3.13.1"])
def test_a_release_without_a_wheel_for_the_python_cannot_be_installed(python):
    finding = found(RULE, situated(on(), python=python), made())
    assert "3.11, 3.12" in finding.title
    assert finding.fix.commands == ("uv venv --python 3.12",)


@pytest.mark.parametrize("python", ["3.11", "3.12.4"])
def test_a_python_that_it_has_a_wheel_for_passes(python):
    assert judged(RULE, situated(on(), python=python), made()) == "pass"


def test_a_wheel_for_free_threading_serves_no_ordinary_python():
    assert found(RULE, situated(on(), python="3.13"), made(python_tags=("cp312", "cp313t")))


def test_a_stable_interface_serves_later_pythons():
    build = made(python_tags=("cp39-abi3",))
    assert judged(RULE, situated(on(), python="3.14"), build) == "pass"
    assert found(RULE, situated(on(), python="3.8"), build)


def test_where_tags_name_no_version_the_metadata_decides():
    build = made(python_tags=("py3",), requires_python=">=3.9")
    assert judged(RULE, situated(on(), python="3.9"), build) == "pass"
    assert found(RULE, situated(on(), python="3.8"), build)


def test_is_undecided_where_nobody_said_which_python():
    assert judged(RULE, situated(on()), made()) == "unknown"

from __future__ import annotations

import pytest

from stackcheck.model.environment import Toolkit
from stackcheck.model.version import Version
from stackcheck.rules.toolkit.tk03_runtime_major import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, known

SYSTEM = made(cuda="12.3", cuda_linkage="system")


def with_toolkit(version: str):
    return changed(
        on(), toolkits=known((Toolkit("/usr/local/cuda", known(Version(version)), "test"),))
    )


def test_a_build_for_cuda_12_does_not_find_its_libraries_in_cuda_11():
    finding = found(RULE, situated(with_toolkit("11.8")), SYSTEM)
    assert "12.x" in finding.title
    assert "11.8" in finding.title


@pytest.mark.parametrize("version", ["12.0", "12.9"])
def test_any_toolkit_of_the_major_has_them(version):
    assert judged(RULE, situated(with_toolkit(version)), SYSTEM) == "pass"


def test_until_cuda_10_the_minor_must_be_the_same():
    build = made(cuda="10.0", cuda_linkage="system")
    assert found(RULE, situated(with_toolkit("10.1")), build)
    assert judged(RULE, situated(with_toolkit("10.0.130")), build) == "pass"
    assert judged(RULE, situated(with_toolkit("10")), build) == "pass"


def test_nvidias_wheels_beside_the_build_serve_as_well():
    situation = situated(with_toolkit("11.8"), nvidia_cuda_runtime_cu12="12.3.101")
    assert judged(RULE, situation, SYSTEM) == "pass"


def test_a_build_that_brings_its_libraries_needs_no_toolkit():
    assert judged(RULE, situated(with_toolkit("11.8")), made()) == "pass"


def test_a_source_build_takes_any_toolkit_from_its_oldest_on():
    source = made(build="source", cuda="12.0", cuda_linkage="floor", architectures="")
    assert judged(RULE, situated(with_toolkit("13.0")), source) == "pass"
    assert "12.0 or newer" in found(RULE, situated(with_toolkit("11.8")), source).title


def test_is_undecided_where_nobody_looked_for_toolkits():
    assert judged(RULE, situated(changed(on(), toolkits=UNKNOWN)), SYSTEM) == "unknown"

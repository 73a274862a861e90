from __future__ import annotations

import pytest

from stackcheck.model.fact import Known
from stackcheck.model.version import Version
from stackcheck.rules.cudnn.dn02_cudnn_older import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, known, library

SYSTEM = made(cudnn="8.6", cudnn_linkage="system")


def with_cudnn(version: str, source: str = ""):
    there = library(f"libcudnn.so.{version[0]}", version)
    return changed(on(), system_cudnn=Known(there, source) if source else known(there))


@pytest.mark.parametrize("version", ["8.2.1", "9.1.0"])
def test_an_older_minor_and_another_major_do_not_serve(version):
    finding = found(RULE, situated(with_cudnn(version)), SYSTEM)
    assert version in finding.title
    assert finding.reason == "cudnn-mismatch"


@pytest.mark.parametrize("version", ["8.6.0.163", "8.9.7"])
def test_the_same_minor_or_a_later_one_serves(version):
    assert judged(RULE, situated(with_cudnn(version)), SYSTEM) == "pass"


def test_a_build_that_brings_its_own_does_not_look_at_the_machines():
    assert (
        judged(RULE, situated(with_cudnn("8.2.1")), made(cudnn="9.1", cudnn_linkage="pinned"))
        == "pass"
    )


def test_a_wheel_beside_a_build_with_an_open_requirement_is_loaded():
    build = made(cudnn="9.8", cudnn_linkage="floor")
    assert found(RULE, situated(on(), nvidia_cudnn_cu12="9.1.0.70"), build)
    assert judged(RULE, situated(on(), nvidia_cudnn_cu12="9.10.2.21"), build) == "pass"


def test_what_a_user_states_is_loaded_and_what_a_probe_finds_is_not():
    build = made(cudnn="9.8", cudnn_linkage="floor")
    assert found(RULE, situated(with_cudnn("9.1.0", "--cudnn")), build)
    assert judged(RULE, situated(with_cudnn("9.1.0")), build) == "pass"


def test_a_source_build_takes_older_majors_and_no_later_one():
    source = made(build="source", cudnn=Version("7.6"), cudnn_linkage="system", architectures="")
    assert judged(RULE, situated(with_cudnn("6.0.21")), source) == "pass"
    assert "8.0.5" in found(RULE, situated(with_cudnn("8.0.5")), source).title


def test_is_undecided_where_the_machines_cudnn_is_not_known():
    assert judged(RULE, situated(changed(on(), system_cudnn=UNKNOWN)), SYSTEM) == "unknown"


def test_conda_names_the_library_plainly():
    build = made(cudnn="9.8", cudnn_linkage="floor")
    assert found(RULE, situated(on(), cudnn="9.1.0.70"), build)


def test_a_build_of_which_nobody_knows_the_cudnn_is_not_passed_beside_a_stated_one():
    build = made(cudnn=None, cudnn_linkage="system")
    assert judged(RULE, situated(with_cudnn("8.0.5")), build) == "unknown"

from __future__ import annotations

from dataclasses import replace

import pytest

from stackcheck.knowledge.knowledge import load
from stackcheck.model.fact import Undecided
from stackcheck.rules.driver.dr04_gpu_newer import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, with_gpu


def test_machine_code_of_another_major_does_not_run_on_a_newer_gpu():
    finding = found(RULE, situated(on("12.0")), made())
    assert "12.0" in finding.title
    assert finding.reason == "arch-not-in-build"


def test_machine_code_runs_on_a_higher_minor_of_its_major():
    assert judged(RULE, situated(on("8.9")), made()) == "pass"


def test_ptx_reaches_a_newer_gpu():
    assert judged(RULE, situated(on("12.0")), made(architectures="sm_80 compute_80")) == "pass"


def test_an_architecture_specific_target_reaches_no_other_gpu():
    build = made(architectures="sm_80 sm_90a")
    assert judged(RULE, situated(on("9.0")), build) == "pass"
    assert found(RULE, situated(on("10.0")), build)


def test_ptx_does_not_save_a_build_whose_own_compiler_stops_earlier():
    build = made(architectures="sm_80 sm_90 compute_90", capability_max="9.0")
    assert "up to 9.0" in found(RULE, situated(on("12.0")), build).title
    assert judged(RULE, situated(on("9.0")), build) == "pass"


def test_on_a_tegra_machine_code_must_be_of_exactly_its_capability():
    assert judged(RULE, situated(on("8.7")), made(architectures="sm_86 sm_87")) == "pass"
    assert found(RULE, situated(on("8.7")), made(architectures="sm_80 sm_86"))


def test_a_source_build_can_run_on_what_the_machines_toolkit_can_target():
    source = made(build="source", cuda="9.0", cuda_linkage="floor", architectures="")
    assert judged(RULE, situated(on("8.6")), source) == "pass"


def test_is_undecided_where_no_source_gives_the_architectures():
    assert judged(RULE, situated(on("9.0")), made(architectures=None)) == "unknown"


def test_is_undecided_where_the_capability_is_not_known():
    machine = with_gpu(on(), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine), made()) == "unknown"


def test_where_nobody_read_the_wheel_the_same_build_for_another_system_speaks_for_it():
    known_build = next(build for build in load().builds("pytorch") if build.architectures)
    unread = replace(known_build, platform="windows-arm64", architectures=None)
    with pytest.raises(Undecided) as undecided:
        RULE.judge(unread, situated(on("9.0")))
    assert undecided.value.fact.unstated
    with pytest.raises(Undecided) as undecided:
        RULE.judge(replace(unread, build="cu999"), situated(on("9.0")))
    assert not undecided.value.fact.unstated

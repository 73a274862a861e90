from __future__ import annotations

from stackcheck.knowledge.knowledge import load
from stackcheck.rules.python.py01_cpu_build import RULE
from tests.stackcheck.rules.builds.construction import found, judged, on, situated
from tests.stackcheck.sketch import changed, known


def row(framework: str, version: str, build: str, platform: str):
    return next(
        each
        for each in load().builds(framework)
        if (str(each.version), each.build, each.platform) == (version, build, platform)
    )


def test_a_cpu_build_of_a_release_with_gpu_builds_leaves_the_gpu_idle():
    cpu = row("mxnet", "1.9.1", "cpu", "linux-x86_64")
    finding = found(RULE, situated(on("7.0")), cpu)
    assert "cu112" in finding.title
    assert finding.reason == "cpu-only-build-installed"


def test_a_gpu_build_passes():
    assert (
        judged(RULE, situated(on("7.0")), row("mxnet", "1.9.1", "cu112", "linux-x86_64")) == "pass"
    )


def test_where_no_gpu_build_exists_another_rule_speaks():
    cpu = row("tensorflow", "2.16.1", "cpu", "linux-aarch64")
    assert judged(RULE, situated(on("9.0", host__arch="aarch64")), cpu) == "pass"


def test_a_machine_without_gpu_wants_the_cpu_build():
    machine = changed(on(), gpus=known(()))
    assert judged(RULE, situated(machine), row("mxnet", "1.9.1", "cpu", "linux-x86_64")) == "pass"

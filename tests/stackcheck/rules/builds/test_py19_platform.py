from __future__ import annotations

from stackcheck.knowledge.knowledge import load
from stackcheck.rules.python.py19_platform import RULE
from tests.stackcheck.rules.builds.construction import found, judged, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, known


def row(framework: str, version: str, build: str, platform: str):
    return next(
        each
        for each in load().builds(framework)
        if (str(each.version), each.build, each.platform) == (version, build, platform)
    )


def test_tensorflow_after_2_10_has_no_gpu_build_for_windows():
    cpu = row("tensorflow", "2.16.1", "cpu", "windows-x86_64")
    finding = found(RULE, situated(on(host__platform="windows")), cpu)
    assert "2.10.1 was the last" in finding.title
    assert "WSL2" in finding.fix.summary
    assert finding.reason == "platform-unsupported"


def test_jax_never_had_one():
    cpu = row("jax", "0.9.0", "cpu", "windows-x86_64")
    assert "windows-x86_64" in found(RULE, situated(on(host__platform="windows")), cpu).title


def test_a_cpu_build_where_there_is_a_gpu_build_is_for_another_rule():
    assert judged(RULE, situated(on()), row("mxnet", "1.9.1", "cpu", "linux-x86_64")) == "pass"


def test_a_machine_without_gpu_misses_nothing():
    machine = changed(on(host__platform="windows"), gpus=known(()))
    cpu = row("tensorflow", "2.16.1", "cpu", "windows-x86_64")
    assert judged(RULE, situated(machine), cpu) == "pass"


def test_a_mac_with_an_nvidia_gpu_has_no_build_that_uses_it():
    cpu = row("pytorch", "2.2.2", "cpu", "macos-x86_64")
    mac = on("3.0", host__platform="macos")
    assert "no GPU build for macos-x86_64" in found(RULE, situated(mac), cpu).title
    assert judged(RULE, situated(changed(mac, gpus=UNKNOWN)), cpu) == "pass"

from __future__ import annotations

from stackcheck.rules.python.py14_satellites import RULE
from tests.stackcheck.rules.builds.construction import found, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, with_gpu


def tensorflow(version: str):
    return made(framework="tensorflow", distribution="tensorflow", version=version, build="cu125")


def test_an_extension_made_for_another_release_fails_and_the_fix_names_the_one_that_fits():
    finding = found(RULE, situated(on(), tensorflow_text="2.17.0"), tensorflow("2.18.0"))
    assert "tensorflow>=2.17.0,<2.18" in finding.title
    assert "tensorflow-text==2.18.1" in finding.fix.commands[0]
    assert finding.reason == "co-install-conflict"


def test_an_extension_made_for_the_release_passes():
    assert judged(RULE, situated(on(), tensorflow_text="2.18.1"), tensorflow("2.18.0")) == "pass"


def test_libraries_of_another_cuda_major_are_not_found():
    twelve, thirteen = made(), made(build="cu130", cuda="13.0")
    assert "cu12" in found(RULE, situated(on(), onnxruntime_gpu="1.22.0"), thirteen).title
    assert judged(RULE, situated(on(), onnxruntime_gpu="1.22.0"), twelve) == "pass"


def test_a_cpu_build_of_the_framework_shares_no_cuda_with_it():
    cpu = made(build="cpu", cuda=None, architectures="")
    assert judged(RULE, situated(on(), onnxruntime_gpu="1.22.0"), cpu) == "pass"


def test_an_extension_can_want_a_newer_gpu_than_the_framework_does():
    finding = found(RULE, situated(on("7.5"), flash_attn="2.8.3"), made(architectures="sm_75"))
    assert "8.0" in finding.title
    assert finding.reason == "arch-dropped"
    assert judged(RULE, situated(on("8.6"), flash_attn="2.8.3"), made()) == "pass"


def test_is_undecided_where_that_gpu_is_not_known():
    machine = with_gpu(on(), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine, flash_attn="2.8.3"), made()) == "unknown"


def test_a_release_that_the_knowledge_does_not_hold_is_not_judged():
    assert judged(RULE, situated(on(), flash_attn="99.0"), made()) == "pass"

from __future__ import annotations

from stackcheck.rules.cudnn.dn08_library_dropped_gpu import RULE
from tests.stackcheck.rules.builds.construction import found, judged, on, situated
from tests.stackcheck.sketch import UNKNOWN, with_gpu


def test_cudnn_9_11_dropped_pascal_and_the_fix_holds_the_last_that_had_it():
    finding = found(RULE, situated(on("6.1"), nvidia_cudnn_cu12="9.11.0.98"))
    assert "6.1" in finding.title
    assert "nvidia-cudnn-cu12==9.10.2.21" in finding.fix.commands[0]
    assert finding.reason == "arch-dropped"


def test_a_library_with_code_for_the_gpu_passes():
    assert judged(RULE, situated(on("6.1"), nvidia_cudnn_cu12="9.10.2.21")) == "pass"
    assert judged(RULE, situated(on("9.0"), nvidia_cudnn_cu12="9.11.0.98")) == "pass"


def test_a_release_that_the_knowledge_does_not_hold_is_not_judged():
    assert judged(RULE, situated(on("6.1"), nvidia_cudnn_cu12="99.0")) == "pass"


def test_is_undecided_where_the_capability_is_not_known():
    machine = with_gpu(on(), compute_capability=UNKNOWN)
    assert judged(RULE, situated(machine, nvidia_cudnn_cu12="9.11.0.98")) == "unknown"

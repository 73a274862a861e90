from __future__ import annotations

from stackcheck.rules.virtual.vm01_licence import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu, with_limits


def test_names_the_gpu_without_a_licence():
    finding = found(
        RULE, with_limits(with_gpu(healthy(), name="GRID T4-8Q", virtualization=2), vgpu_licensed=0)
    )
    assert "GRID T4-8Q holds no licence" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_held():
    assert (
        verdict(RULE, with_limits(with_gpu(healthy(), virtualization=2), vgpu_licensed=1)) == "pass"
    )


def test_is_undecided_where_nvml_does_not_say():
    assert (
        verdict(RULE, with_limits(with_gpu(healthy(), virtualization=2), vgpu_licensed=UNKNOWN))
        == "unknown"
    )

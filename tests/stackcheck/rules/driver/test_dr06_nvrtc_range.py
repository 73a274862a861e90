from __future__ import annotations

from stackcheck.model.version import Version
from stackcheck.rules.driver.dr06_nvrtc_range import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu, with_libraries


def test_names_the_compiler_that_dropped_the_gpu():
    finding = found(
        RULE,
        with_gpu(
            with_libraries(healthy(), "libnvrtc.so.13==13.0.48"),
            name="Tesla V100",
            compute_capability=Version("7.0"),
        ),
    )
    assert "NVRTC 13.0 cannot compile for Tesla V100" in finding.title
    assert finding.evidence


def test_is_silent_where_it_knows_the_gpu():
    assert verdict(RULE, with_libraries(healthy(), "libnvrtc.so.12==12.8.93")) == "pass"


def test_is_undecided_where_the_capability_is_not_known():
    assert (
        verdict(
            RULE,
            with_gpu(
                with_libraries(healthy(), "libnvrtc.so.12==12.8.93"), compute_capability=UNKNOWN
            ),
        )
        == "unknown"
    )


def test_a_compiler_older_than_the_gpu_is_named_too():
    machine = with_libraries(healthy(), "libnvrtc.so.12==12.4.127")
    machine = with_gpu(machine, name="B200", compute_capability=Version("10.0"))
    assert "from 12.8 on" in found(RULE, machine).title

from __future__ import annotations

import pytest

from stackcheck.model.fact import Known
from stackcheck.model.gpu import Ecc, Gpu, Link
from stackcheck.model.smoke import StageResult
from stackcheck.smoke.causes import add_causes, find_causes, is_slow
from stackcheck.smoke.health import HealthWatch, judge_health


def gpu(index=0, *, reasons=0, uncorrected=0, degrees=50, pending=False):
    ecc = Ecc(uncorrected=Known(uncorrected, "test"), remap_pending=Known(pending, "test"))
    return Gpu(
        index,
        handle_code=Known(0, "test"),
        event_reasons=Known(reasons, "test"),
        temperature_celsius=Known(degrees, "test"),
        ecc=ecc,
    )


def test_a_gpu_that_only_gets_warm_under_its_power_cap_is_well():
    result = judge_health([(gpu(uncorrected=2),), (gpu(uncorrected=2, degrees=81, reasons=0x4),)])
    assert (result.status, result.value) == ("ok", 81.0)


@pytest.mark.parametrize(
    ("later", "fault"),
    [
        (
            gpu(reasons=0x48),
            "GPU 0: clocks were held down by hardware slowdown; GPU 0: clocks were held down by hardware",
        ),
        (gpu(uncorrected=3), "GPU 0: 3 uncorrected memory errors"),
        (gpu(pending=True), "GPU 0: a memory row is to be remapped"),
    ],
)
def test_what_goes_wrong_while_it_works_is_named_with_the_gpu(later, fault):
    result = judge_health([(gpu(),), (later,)])
    assert result.status == "error"
    assert result.message.startswith(fault)


def test_a_slowdown_in_the_middle_is_not_forgotten():
    assert judge_health([(gpu(),), (gpu(reasons=0x40),), (gpu(),)]).status == "error"


def test_a_gpu_that_is_lost_is_named():
    result = judge_health([(gpu(0), gpu(1)), (gpu(0),)])
    assert result.message == "GPU 1: was lost while it worked"


def test_silence_is_unknown():
    assert judge_health([]).status == "unknown"


def test_errors_between_two_looks_at_the_driver_are_found(fake_driver):
    quiet = {"count": 2, "driver": "570.133.20", "cuda": 12080}
    fake_driver.play(quiet)
    with HealthWatch() as watch:
        fake_driver.play({**quiet, "gpu.1.ecc_uncorrected": 5})
    assert watch.result().message == "GPU 1: 5 uncorrected memory errors"


def test_what_holds_a_slow_gpu_back_is_told_with_the_gpu():
    narrow = Gpu(
        1,
        event_reasons=Known(0x24, "test"),
        power_limit_watts=Known(250.0, "test"),
        processes=Known((10, 11, 12), "test"),
        link=Link(width=Known(4, "test"), max_width=Known(16, "test")),
    )
    assert find_causes([gpu(0), narrow]) == [
        "GPU 1: its PCIe link has 4 of 16 lanes",
        "GPU 1: clocks are held down by software thermal slowdown",
        "GPU 1: it runs at its power limit of 250 W",
        "GPU 1: 2 other processes compute on it",
    ]
    slow = StageResult("product rate", "blas", "error", 0.3, "of peak", 0.5, message="slow")
    assert is_slow(slow)
    assert add_causes(slow, [narrow]).message.startswith("slow; NVML tells: GPU 1: its PCIe link")
    assert add_causes(slow, [gpu(0)]) == slow


def test_a_gpu_of_which_nothing_is_told_has_no_causes():
    assert find_causes([Gpu(0)]) == []

from __future__ import annotations

import pytest

from stackcheck.rules.driver.dr01_driver_floor import RULE
from tests.stackcheck.rules.builds.construction import found, in_image, judged, made, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, with_gpu


def test_a_cuda_12_build_does_not_start_on_a_driver_for_cuda_11():
    finding = found(RULE, situated(on(driver="470.256.02", cuda="11.4")), made())
    assert "470.256.02" in finding.title
    assert "525.60.13" in finding.title
    assert finding.reason == "driver-too-old-for-cuda"


@pytest.mark.parametrize(
    ("driver", "cuda"), [("525.60.13", "12.0"), ("550.163.01", "12.4"), ("580.95.05", "13.0")]
)
def test_any_driver_of_the_major_or_a_later_one_starts_it(driver, cuda):
    assert judged(RULE, situated(on(driver=driver, cuda=cuda)), made()) == "pass"


def test_before_cuda_11_every_release_needs_its_own_driver():
    build = made(build="cu101", cuda="10.1")
    machine = on(driver="410.48", cuda="10.0")
    assert found(RULE, situated(machine), build)
    assert judged(RULE, situated(on(driver="418.39", cuda="10.1")), build) == "pass"


def test_windows_has_floors_of_its_own():
    machine = on(driver="522.06", cuda="11.8", host__platform="windows")
    finding = found(RULE, situated(machine), made(platform="windows-x86_64"))
    assert "527.41" in finding.title or "528.33" in finding.title


def test_a_compatibility_package_carries_it_on_a_data_centre_gpu():
    image = "CUDA 13.0 image + cuda-compat-13-0"
    old = in_image(on(driver="535.216.03", cuda="12.2"), image)
    build = made(build="cu130", cuda="13.0")
    assert judged(RULE, situated(old), build) == "pass"
    geforce = with_gpu(old, name="NVIDIA GeForce RTX 4090", brand="geforce")
    assert found(RULE, situated(geforce), build)


def test_is_undecided_where_no_driver_could_be_asked():
    machine = changed(on(), driver__release=UNKNOWN, driver__cuda=UNKNOWN)
    assert judged(RULE, situated(machine), made()) == "unknown"


def test_has_nothing_to_say_of_a_cpu_build():
    machine = on(driver="470.256.02", cuda="11.4")
    assert judged(RULE, situated(machine), made(build="cpu", cuda=None)) == "pass"

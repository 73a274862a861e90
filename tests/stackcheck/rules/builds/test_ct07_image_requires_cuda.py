from __future__ import annotations

from stackcheck.rules.containers.ct07_image_requires_cuda import RULE
from tests.stackcheck.rules.builds.construction import found, in_image, judged, on, situated
from tests.stackcheck.sketch import UNKNOWN, changed, with_gpu

IMAGE = "nvidia/cuda:12.8.1-devel-ubuntu24.04"


def on_geforce(driver: str, cuda: str):
    return with_gpu(on("8.9", driver, cuda), name="NVIDIA GeForce RTX 4090", brand="geforce")


def test_an_image_for_a_newer_cuda_is_refused_on_a_geforce():
    finding = found(RULE, situated(in_image(on_geforce("550.54.14", "12.4"), IMAGE)))
    assert "12.8" in finding.title
    assert "12.4" in finding.title
    assert finding.reason == "driver-too-old-for-cuda"


def test_a_driver_for_the_images_cuda_takes_it():
    assert judged(RULE, situated(in_image(on_geforce("570.124.06", "12.8"), IMAGE))) == "pass"


def test_a_data_centre_gpu_is_let_in_within_the_major():
    machine = with_gpu(on("9.0", "550.54.14", "12.4"), name="NVIDIA H100 80GB HBM3")
    assert judged(RULE, situated(in_image(machine, IMAGE))) == "pass"


def test_an_image_that_names_no_cuda_asks_for_nothing():
    machine = in_image(on_geforce("550.54.14", "12.4"), "ubuntu:24.04")
    assert judged(RULE, situated(machine)) in ("pass", "skipped")


def test_is_undecided_where_the_driver_is_not_known():
    machine = changed(
        in_image(on_geforce("550.54.14", "12.4"), IMAGE),
        driver__release=UNKNOWN,
        driver__cuda=UNKNOWN,
    )
    assert judged(RULE, situated(machine)) == "unknown"


def test_an_image_of_nvidias_registry_whose_name_hides_its_cuda_is_not_called_well():
    machine = in_image(on_geforce("470.103.01", "11.4"), "nvcr.io/nvidia/pytorch:25.01-py3")
    assert judged(RULE, situated(machine)) == "unknown"

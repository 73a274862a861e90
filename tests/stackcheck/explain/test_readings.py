from __future__ import annotations

import pytest

from stackcheck.diagnose.explain.lifetimes import Lifetimes
from stackcheck.diagnose.explain.paste import read_paste
from stackcheck.diagnose.explain.ranking import find_circumstances
from stackcheck.diagnose.explain.readings import Readings, read_numbers


def read(text):
    return read_numbers(text.lower(), [])


@pytest.fixture
def circumstances(catalogue, lifetimes):
    return lambda text: find_circumstances(read_paste(text), catalogue, lifetimes)


PYTORCH = (
    "NVIDIA GeForce {name} with CUDA capability sm_{gpu} is not compatible with the current PyTorch"
    " installation. The current PyTorch install supports CUDA capabilities {built}."
)


def test_pytorchs_warning_gives_the_gpu_and_what_was_built():
    found = read(
        PYTORCH.format(name="RTX 5090", gpu=120, built="sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90")
    )
    assert found.capabilities == (120,)
    assert found.architectures == (50, 60, 70, 75, 80, 86, 90)


def test_tensorflows_line_gives_the_gpu_and_not_the_minimum():
    found = read(
        "Ignoring visible gpu device (device: 0, name: GTX 770, compute capability: 3.0) with Cuda"
        " compute capability 3.0. The minimum required Cuda capability is 3.5."
    )
    assert found.capabilities == (30,)
    assert found.floor == 35


def test_a_gpu_beyond_what_was_built_is_newer(circumstances):
    found = circumstances(PYTORCH.format(name="RTX 5090", gpu=120, built="sm_70 sm_80 sm_90"))
    assert "gpu_newer" in found
    assert "gpu_older" not in found


def test_a_gpu_below_what_was_built_is_older(circumstances):
    found = circumstances(PYTORCH.format(name="GTX 1080", gpu=61, built="sm_75 sm_80 sm_90"))
    assert "gpu_older" in found
    assert "gpu_newer" not in found


def test_code_of_the_same_major_runs_on_later_minors():
    found = read(PYTORCH.format(name="RTX 3090", gpu=86, built="sm_70 sm_80")).circumstances(
        Lifetimes()
    )
    assert not found & {"gpu_newer", "gpu_older"}


@pytest.mark.parametrize(
    ("text", "cuda"),
    [
        ("The NVIDIA driver on your system is too old (found version 11040).", (11, 4)),
        ("found version 9010", (9, 1)),
        ("| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |", (12, 4)),
        ("compiled with CUDA 12.8, driver 12.4", (12, 4)),
    ],
)
def test_what_the_driver_can_is_read(text, cuda):
    assert read(text).driver_cudas == (cuda,)


@pytest.mark.parametrize(
    ("text", "branch"),
    [
        ("Driver Version: 535.104.05", 535),
        ("nvidia-driver-470 is installed", 470),
        ("kernel module 550.54.14 but the library is newer", 550),
    ],
)
def test_driver_branches_are_read(text, branch):
    assert branch in read(text).drivers


def test_a_driver_below_the_builds_major(circumstances):
    assert "driver_below_major" in circumstances("built with CUDA 13.0, driver version 550.54")


def test_a_driver_below_the_builds_minor(circumstances):
    assert "driver_below_minor" in circumstances("compiled with CUDA 12.8, driver 12.4")


def test_a_driver_above_the_build_suffices(circumstances):
    assert "driver_suffices" in circumstances("torch 2.4.0+cu118 with driver version 580.65")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Unexpected error from cudaGetDeviceCount() ... Error 804: forward compatibility", 804),
        ("code=46(cudaErrorDevicesUnavailable)", 46),
        ("cudaGetDeviceCount returned 35", 35),
        ("CUDA error: 999", 999),
        ("Check failed: error == cudaSuccess (8 vs. 0)  invalid device function", 8),
    ],
)
def test_error_numbers_are_read(text, number):
    assert number in read(text).errors


@pytest.mark.parametrize(
    "text", ["", "loss 12.4 at step 12040", "port 8080", "sm", "capability", "Python 3.12"]
)
def test_other_numbers_are_not_taken_for_these(text):
    assert read(text) == Readings()

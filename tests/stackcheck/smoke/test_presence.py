from __future__ import annotations

import pytest

from stackcheck.smoke.presence import Presence, look_for_gpu


def write(root, path, text=""):
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_finds_no_gpu_in_an_empty_tree(tmp_path):
    assert look_for_gpu(tmp_path) == Presence()


def test_finds_a_gpu_on_the_bus_without_a_driver(tmp_path):
    write(tmp_path, "sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    write(tmp_path, "sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n")
    found = look_for_gpu(tmp_path)
    assert found.has_gpu
    assert found.driver == ""


def test_takes_nvidias_audio_function_for_no_gpu(tmp_path):
    write(tmp_path, "sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n")
    write(tmp_path, "sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n")
    assert not look_for_gpu(tmp_path).has_gpu


@pytest.mark.parametrize(
    ("node", "is_gpu"),
    [("nvidia0", True), ("nvidia17", True), ("nvidiactl", False), ("nvidia-uvm", False)],
)
def test_takes_only_numbered_nodes_for_gpus(tmp_path, node, is_gpu):
    write(tmp_path, f"dev/{node}")
    assert look_for_gpu(tmp_path).has_gpu is is_gpu


def test_takes_dxg_for_a_gpu_only_with_the_libcuda_of_wsl(tmp_path):
    write(tmp_path, "dev/dxg")
    assert not look_for_gpu(tmp_path).has_gpu
    write(tmp_path, "usr/lib/wsl/lib/libcuda.so.1")
    assert look_for_gpu(tmp_path).has_gpu


def test_takes_a_libcuda_of_an_image_without_a_driver_for_no_gpu(tmp_path):
    write(tmp_path, "usr/lib/x86_64-linux-gnu/libcuda.so.1")
    assert not look_for_gpu(tmp_path).has_gpu
    write(tmp_path, "sys/module/nvidia/version", "580.95.05\n")
    assert look_for_gpu(tmp_path).has_gpu


@pytest.mark.parametrize(
    ("driver", "advice"),
    [
        ("580.95.05", "pip install 'stackcheck[cuda13]'"),
        ("575.57", "pip install 'stackcheck[cuda12]'"),
        ("525.60.13", "pip install 'stackcheck[cuda12]'"),
        ("470.82", "driver 470.82 is older than 525, which CUDA 12 needs: update the driver first"),
    ],
)
def test_names_the_extra_that_fits_the_driver(tmp_path, driver, advice):
    write(tmp_path, "sys/module/nvidia/version", f"{driver}\n")
    assert look_for_gpu(tmp_path).extra == advice


def test_reads_the_driver_of_the_open_and_the_proprietary_module_from_proc(tmp_path):
    for flavour in ("x86_64  575.57.08", "for x86_64  575.57.08"):
        text = f"NVRM version: NVIDIA UNIX Open Kernel Module {flavour}  Release Build\nGCC version: 12.3\n"
        write(tmp_path, "proc/driver/nvidia/version", text)
        assert look_for_gpu(tmp_path).driver == "575.57.08"

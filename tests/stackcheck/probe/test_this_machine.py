"""The machine that the tests run on, whatever it is: Linux, Windows or macOS, with a GPU or without."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.probe.facts_file import machine_document, read_machine
from stackcheck.probe.machine import probe_machine


def test_the_probe_of_this_machine_is_read_back_the_same() -> None:
    machine = probe_machine()
    assert read_machine(json.dumps(machine_document(machine)), "here") == machine


def test_platform_kernel_and_architecture_are_known() -> None:
    host = probe_machine().host
    expected = {"win32": ("windows",), "darwin": ("macos",)}
    assert host.platform.get() in expected.get(sys.platform, ("linux", "wsl2", "jetson"))
    assert host.kernel.get()
    assert host.arch.get() in ("x86_64", "aarch64")


def test_the_environment_says_what_chose_it() -> None:
    environment = probe_machine(environment=sys.prefix).environment.get()
    assert environment is not None
    assert environment.chosen_by == "--env"
    version = environment.python.get()
    assert version is not None
    assert version.release[:2] == sys.version_info[:2]
    names = {entry.name for entry in environment.distributions.get() or ()}
    assert {"pytest", "packaging"} <= names


def test_a_machine_without_driver_knows_that_it_has_none() -> None:
    driver = probe_machine().driver
    if driver.nvml_code.get() != 12:
        pytest.skip("this machine has a driver")
    assert isinstance(driver.cuinit_code, Absent | Known)
    assert isinstance(probe_machine().gpus, Unknown)


@pytest.mark.gpu
def test_a_machine_with_a_gpu_names_it() -> None:
    if shutil.which("nvidia-smi") is None:
        pytest.skip("no NVIDIA GPU here")
    machine = probe_machine()
    assert machine.driver.nvml_code.get() == 0
    assert machine.driver.cuinit_code.get() == 0
    assert machine.driver.cuda.get() is not None
    gpus = machine.gpus.get() or ()
    assert gpus
    for gpu in gpus:
        assert gpu.name.get()
        assert gpu.compute_capability.get() is not None
        assert (gpu.memory_bytes.get() or 0) > 1 << 30

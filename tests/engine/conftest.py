"""Devices for tests: every one that takes `device` runs on a GPU with `-m gpu`, and else on one that g++ emulates."""

from __future__ import annotations

import importlib

import pytest
from stackgrad.kernels.cuda import emulation

devices = importlib.import_module("stackgrad.device")  # the package has the class under this name
EMULATED = pytest.param(
    "emulated",
    marks=pytest.mark.skipif(emulation.compiler() is None, reason="g++ is not installed"),
)


@pytest.fixture(params=[EMULATED, pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    """The device "cuda": the real one, or NumPy arrays and CUDA kernels compiled for the host."""
    if request.param == "cuda":
        if not devices.cuda_is_available():
            pytest.skip("no GPU can be used")
        return devices.Device("cuda")
    found = devices._make("cuda", 0, emulation.EmulatedArrays())
    monkeypatch.setitem(devices._devices, "cuda", found)
    monkeypatch.setitem(devices._devices, "cuda:0", found)
    return found

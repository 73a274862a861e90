"""Builds the fake driver and plays scenarios on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("fake_driver.c")
LIBRARIES = {"libnvidia-ml.so.1": "NVML", "libcuda.so.1": "CUDA"}


def build_driver(directory: Path) -> None:
    """Compile both libraries; skip the test where there is no C compiler, or no ELF to compile to."""
    if sys.platform != "linux":
        pytest.skip("the fake driver is a pair of ELF libraries")
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the fake driver with")
    for soname, half in LIBRARIES.items():
        options = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]
        output = ["-o", str(directory / soname), str(SOURCE)]
        subprocess.run(
            [*compiler.split(), *options, f"-D{half}", f"-Wl,-soname,{soname}", *output], check=True
        )


@dataclass(frozen=True)
class FakeDriver:
    """The two libraries in a directory, and a place for the scenario."""

    directory: Path
    scenario: Path
    monkeypatch: pytest.MonkeyPatch

    def play(self, scenario: Mapping[str, object] | str = "") -> dict[str, str]:
        """Make this process and those that it starts meet the scenario; return the variables that do it."""
        if isinstance(scenario, Mapping):
            scenario = "".join(f"{key}={value}\n" for key, value in scenario.items())
        self.scenario.write_text(scenario, encoding="utf-8")
        variables = {
            "LD_LIBRARY_PATH": str(self.directory),
            "FAKE_DRIVER_SCENARIO": str(self.scenario),
        }
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)
        return variables

    def only(self, sonames: list[str], directory: Path) -> Path:
        """Return a directory with some of the libraries: an installation may lack one, or both."""
        directory.mkdir(exist_ok=True)
        for soname in sonames:
            (directory / soname).symlink_to(self.directory / soname)
        return directory

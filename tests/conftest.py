"""Shared fixtures: the fake driver, and machines as trees."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hardware.driver import FakeDriver, build_driver

_POSIX = ("builds", "dynamic", "host", "interpreter", "loader", "packages", "properties", "sysfs")
collect_ignore = (
    [f"stackcheck/probe/test_{name}.py" for name in _POSIX]  # trees with links, pipes and ELF files
    if sys.platform == "win32"
    else []
)


@pytest.fixture(scope="session")
def driver_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("driver")
    build_driver(directory)
    return directory


@pytest.fixture
def fake_driver(
    driver_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeDriver:
    """The fake driver; `fake_driver.play({"count": 8})` makes every probe meet that scenario."""
    return FakeDriver(driver_directory, tmp_path / "scenario", monkeypatch)


@pytest.fixture
def machine_tree(
    fake_driver: FakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, str]]:
    """Lay out a machine of `tests/machines` and make every probe meet it; give its name, get its variables."""
    from tests.hardware.machine_tree import MachineTree, scenario

    def lay_out(name: str) -> dict[str, str]:
        tree = MachineTree(name, tmp_path / "root")
        variables = {"STACKCHECK_SYSROOT": str(tree.root)} | fake_driver.play(scenario(name))
        variables["LD_LIBRARY_PATH"] = str(fake_driver.only(tree.loaded, tmp_path / "driver"))
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        return variables

    return lay_out

"""Shared fixtures: the fake driver, and machines as trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hardware.driver import FakeDriver, build_driver


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

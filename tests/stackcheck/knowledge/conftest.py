from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Keep the user's cache and configuration out of the tests."""
    monkeypatch.setenv("STACKCHECK_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("STACKCHECK_CONFIG_DIR", str(tmp_path_factory.getbasetemp() / "config"))

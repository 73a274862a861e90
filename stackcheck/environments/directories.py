"""Where StackCheck keeps environments by name, and what it remembers of them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["MEMORY", "environments_directory", "state_directory"]

MEMORY = ".stackcheck"
"""Folder in a prefix with what StackCheck knows of it: plan, constraints, locks."""


def state_directory() -> Path:
    """Return where journals and the register of environments lie (`STACKCHECK_STATE_DIR` overrides)."""
    if configured := os.environ.get("STACKCHECK_STATE_DIR"):
        return Path(configured)
    import platformdirs

    return Path(platformdirs.user_state_dir("stackcheck", appauthor=False))


def environments_directory() -> Path:
    """Return where `-n NAME` puts its environment (`STACKCHECK_DATA_DIR` overrides)."""
    if configured := os.environ.get("STACKCHECK_DATA_DIR"):
        return Path(configured) / "envs"
    import platformdirs

    return Path(platformdirs.user_data_dir("stackcheck", appauthor=False)) / "envs"

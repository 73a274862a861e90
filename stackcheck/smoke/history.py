"""What earlier runs on this machine reached, so that the next one can say what became slower."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from stackcheck.environments.directories import state_directory

__all__ = ["HISTORY_FILE", "recall_rates", "record_rates"]

HISTORY_FILE = "train-smoke.jsonl"
_RUNS_KEPT = 500
_RUNS_COMPARED = 5


def _file() -> Path:
    return state_directory() / HISTORY_FILE


def recall_rates(device: str, level: str) -> dict[str, float]:
    """Return the median of each rate over the last five runs of this host, device and level; empty without any."""
    found: dict[str, list[float]] = {}
    try:
        lines = _file().read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            run = json.loads(line)
            if (run["host"], run["device"], run["level"]) == (platform.node(), device, level):
                for name, rate in run["rates"].items():
                    found.setdefault(name, []).append(float(rate))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a line cut short by a full disk costs one run
    return {name: median(rates[-_RUNS_COMPARED:]) for name, rates in found.items()}


def record_rates(device: str, level: str, rates: Mapping[str, float]) -> None:
    """Add this run, under a lock; a history that cannot be written is left as it is."""
    from filelock import FileLock, Timeout

    path = _file()
    run = {
        "time": time.time(),
        "host": platform.node(),
        "device": device,
        "level": level,
        "rates": dict(rates),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=5):
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            kept = [*lines[-_RUNS_KEPT + 1 :], json.dumps(run)]
            fresh = path.with_suffix(".new")
            fresh.write_text("\n".join(kept) + "\n", encoding="utf-8")
            fresh.replace(path)
    except (OSError, Timeout):
        return
